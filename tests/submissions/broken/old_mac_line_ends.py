"""Line ends of old Macs in the file and in the cells."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.dump(kit.answered(kit.HALVE.replace("\n", "\r"))).replace(b"\n", b"\r")

"""The class report: statistics over all grade reports of an assignment, and the page that shows them."""

"""The assignments' answers on a GPU, as far as that can be known without one; see ``pretended``.

``test_on_a_gpu`` runs these tests in a process of their own: once torch has computed a gradient in a process, that
process can learn of no other kind of device.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course import Course
from autograder.errors import Mismatch, StudentRaised
from autograder.examples import Examples, load_examples, run_example
from autograder.hints import right_variants
from autograder.seed import Seed
from autograder.suite import Suite, collect
from autograder.testing.student import RememberingBackend, Student
from tests.toolkit.pretended import KIND, PretendedBackend, pretended_gpu

__all__ = ["pretended_gpu"]

COURSE = Course(Path(__file__).parents[2])
EXAMPLES = 2  # of each test: a device is right or wrong on the first ones
# Odd answers run ten thousands of operations there, and none that other tests of the question do not run.
LONG = {
    "test_batches_are_uniform",
    "test_he_normal_with_sizes_of_one",
    "test_latent_density_far_from_the_origin",
    "test_multiclass_dice_of_many_classes",
    "test_random_actions_of_a_small_batch_are_uniform",
    "test_returns_of_a_long_episode",
    "test_rows_of_a_small_batch_decide_for_themselves",
}

pytestmark = pytest.mark.usefixtures("pretended_gpu")


@cache
def material(topic: str) -> tuple[Suite, dict[str, Any], Examples, Student]:
    torch.set_num_threads(1)
    assignment = COURSE.assignment(topic)
    suite, names = collect(COURSE, assignment), vars(COURSE.load(assignment.reference))
    reference = Student(RememberingBackend(names))
    return suite, names, load_examples(COURSE, suite, Seed.of_course(COURSE.state), "graded", reference), reference


def faults(topic: str, names: dict[str, Any], of: str = "") -> list[str]:
    """What the hidden tests have against the functions ``names`` on the GPU.

    With ``of``, the name of an odd answer's question, its short tests only, and one example of each.
    """
    suite, _, examples, reference = material(topic)
    student, found = Student(PretendedBackend(names), suite.forbidden), []
    for test in suite.tests:
        if of and (test.question.name != of or test.name in LONG):
            continue
        student.begin(device=KIND)
        reference.begin()
        for data in examples[test.name][: 1 if of else EXAMPLES]:
            try:
                run_example(test, data, student, reference)
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is one
                found.append(f"{test.name}: {type(fault).__name__}: {fault}")
                break
    return found


@pytest.mark.parametrize("topic", COURSE.topics())
def test_model_solution_passes_on_a_gpu_as_on_a_cpu(topic: str) -> None:
    assert not faults(topic, material(topic)[1])


def test_long_tests_are_tests_of_the_course() -> None:
    assert {test.name for topic in COURSE.topics() for test in material(topic)[0].tests} >= LONG


@pytest.mark.filterwarnings("ignore")  # as in a student's process
@pytest.mark.parametrize("topic", COURSE.topics())
def test_unusual_answers_pass_on_a_gpu_as_on_a_cpu(topic: str) -> None:
    names = material(topic)[1]
    module = COURSE.load(COURSE.assignment(topic).variants)
    wrong = {}
    for mark, answer in right_variants(module):
        if found := faults(topic, names | {mark.of: answer}, mark.of):
            wrong[mark.name] = found
    assert not wrong


# What the functions of the course below do on the GPU, and what is found.
TRICKS = {
    "def double(x):\n    return 2 * x": "",
    "def double(x):\n    return (2 * x.cpu()).to(x.device)": "a detour",
    "def double(x):\n    return torch.from_numpy(2 * x.cpu().numpy()).to(x.device)": "a detour",
    "def double(x):\n    return 2 * x.cpu()": "does not lie where its inputs lie",
    "def double(x):\n    return torch.full(x.shape, 2 * x.mean().item())": "does not lie where its inputs lie",
    "def double(x):\n    return x + torch.ones(x.shape)": "same device",
    "def double(x):\n    return torch.tensor(x.numpy())": "numpy",
    "def double(x):\n    scale = torch.tensor(2.0)\n    return x * scale": "",
    "def double(x):\n    return x + x.sum().item() / x.numel()": "",
    "def double(x):\n    return x + torch.tensor([3.0], device=x.device)": "",
    "def double(x):\n    return x + x.new_tensor([3.0])": "",
    "def double(x):\n    return x + torch.tensor(x.tolist(), device=x.device)": "a detour",
    "def double(x):\n    return x + x[[0, 1]]": "",
    "def double(x):\n    return x + x[torch.tensor([0, 1])]": "",
    "def double(x):\n    return 6 * torch.eye(4)[x.long()].sum(-1)": "same device",
    "def double(x):\n    return x.index_put((torch.arange(2),), torch.full((2, 3), 6.0))": "same device",
    "def double(x):\n    return torch.addmm(torch.tensor(0.0), x, 2 * torch.eye(3).to(x.device))": "same device",
    "def double(x):\n    return ((1j * x).conj() * 2j).real": "",
}


@pytest.mark.parametrize(("source", "found"), TRICKS.items())
def test_what_a_function_does_with_devices_is_found(source: str, found: str) -> None:
    names: dict[str, Any] = {"torch": torch}
    exec(source, names)  # noqa: S102 - the answers above
    student = Student(PretendedBackend(names))
    student.begin(device=KIND)
    said = ""
    try:
        value = student.double(torch.full((2, 3), 3.0))
        assert torch.equal(value, torch.full((2, 3), 6.0))
    except (Mismatch, StudentRaised) as fault:
        said = str(fault)
    said += " a detour" * (student.detours["double"] > 0)
    assert found in said
    assert bool(found) == bool(said)


def test_result_of_no_tensor_may_lie_on_the_cpu() -> None:
    student = Student(PretendedBackend({"ones": torch.ones}))
    student.begin(device=KIND)
    assert torch.equal(student.ones(3), torch.ones(3))


def test_generator_goes_along_with_the_tensors_of_its_call_or_where_a_test_says_so() -> None:
    def draw(generator: torch.Generator) -> torch.Tensor:
        return torch.rand(3, generator=generator, device=generator.device)

    def beside(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(x.shape, generator=generator, device=x.device)

    student = Student(
        PretendedBackend({"draw": draw, "beside": beside, "name": lambda generator: str(generator.device)})
    )
    student.begin(device=KIND)
    generator = torch.Generator().manual_seed(3)
    assert student.name(generator=generator) == "cpu"
    assert student.name.placed(generator=generator).value.startswith(KIND)
    assert student.beside(torch.ones(3), generator).shape == (3,)
    moved = student.beside.after(torch.ones(3), generator).after[0][1]
    assert moved.device.type == "cpu"
    assert not torch.equal(moved.get_state(), generator.get_state())


def test_layer_moves_to_the_device_when_it_is_made() -> None:
    student = Student(PretendedBackend({"Linear": torch.nn.Linear}))
    student.begin(device=KIND)
    layer = student.Linear(3, 2)
    answer = layer.gradients(torch.ones(4, 3), wrt=(0,), params=("weight",), cotangents=[torch.ones(4, 2)])
    assert answer.value.shape == (4, 2)
    assert torch.equal(answer.grads[1], torch.full((2, 3), 4.0))
    layer.set("bias", torch.zeros(2))
    assert torch.equal(layer.get("bias"), torch.zeros(2))


def test_strided_and_expanded_arguments_keep_their_layout() -> None:
    student = Student(PretendedBackend({"strides": lambda x: list(x.stride())}))
    student.begin(device=KIND)
    for tensor in (torch.ones(4, 6)[::2, 1::2], torch.ones(3, 1).expand(3, 5), torch.ones(2, 3, 4).permute(2, 0, 1)):
        assert student.strides(tensor) == list(tensor.stride())

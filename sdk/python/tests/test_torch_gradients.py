import pytest

torch = pytest.importorskip("torch")

from torch import nn

from stepwise.torch.gradients import Preconditioner, SplitGradients, parameters_of, square_norm
from stepwise.torch.memory import is_out_of_memory


def measured(optimizer, enabled=True):
    return float(square_norm(parameters_of(optimizer), Preconditioner(optimizer, enabled=enabled).weights()))


def trained(optimizer_type, steps=1):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optimizer_type(model.parameters(), lr=0.1)
    for _ in range(steps):
        model(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    model(torch.randn(4, 3)).square().mean().backward()
    return model, optimizer


def test_plain_gradients_are_measured_as_they_are():
    model, optimizer = trained(torch.optim.SGD)
    want = sum(float(p.grad.square().sum()) for p in model.parameters())
    assert measured(optimizer) == pytest.approx(want)


@pytest.mark.parametrize(("kind", "moment"), [(torch.optim.AdamW, "exp_avg_sq"), (torch.optim.RMSprop, "square_avg")])
def test_adams_family_divides_by_the_root_of_its_second_moments(kind, moment):
    model, optimizer = trained(kind)
    want = sum(float((p.grad / (optimizer.state[p][moment].sqrt() + 1e-8)).square().sum()) for p in model.parameters())
    assert measured(optimizer) == pytest.approx(want, rel=1e-5)
    assert measured(optimizer, enabled=False) == pytest.approx(
        sum(float(p.grad.square().sum()) for p in model.parameters())
    )


def test_adam_is_not_measured_before_it_has_moments():
    model = nn.Linear(3, 2)
    assert not Preconditioner(torch.optim.AdamW(model.parameters())).ready
    assert Preconditioner(torch.optim.SGD(model.parameters(), lr=1)).ready
    assert Preconditioner(trained(torch.optim.AdamW)[1]).ready


def test_a_parameter_without_moments_does_not_drown_the_rest():
    model, optimizer = trained(torch.optim.AdamW)
    optimizer.state[model.weight]["exp_avg_sq"].zero_()
    bias_alone = float((model.bias.grad / (optimizer.state[model.bias]["exp_avg_sq"].sqrt() + 1e-8)).square().sum())
    assert measured(optimizer) == pytest.approx(bias_alone, rel=1e-5)


def test_splitting_leaves_the_summed_gradient():
    model, optimizer = trained(torch.optim.SGD)
    whole = [p.grad.clone() for p in model.parameters()]
    optimizer.zero_grad()
    torch.manual_seed(0)
    split = SplitGradients(parameters_of(optimizer), Preconditioner(optimizer).weights())
    for weight in (0.25, 0.75):
        for p, gradient in zip(model.parameters(), whole):
            p.grad = gradient * weight
        split.take(weight)
    split.put_back()
    for p, gradient in zip(model.parameters(), whole):
        torch.testing.assert_close(p.grad, gradient)
    want = sum(float(gradient.square().sum()) for gradient in whole)
    assert float(split.mean_square_norm()) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
    ids=repr,
)
def test_memory_errors_are_told_from_others(error, want):
    assert is_out_of_memory(error) == want


def test_torchs_own_allocator_error_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)

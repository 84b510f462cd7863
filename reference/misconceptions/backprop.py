"""Wrong answers to the assignment on back-propagation: what students write, with the sentence to read then."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from autograder.testing import misconception
from reference import backprop as right


def _softmax(logits):
    powers = (logits - logits.amax(1, keepdim=True)).exp()
    return powers / powers.sum(1, keepdim=True)


def _one_hot(logits, targets):
    return F.one_hot(targets, logits.shape[1]).to(logits.dtype)


def _checked(logits, targets):
    if targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise ValueError("targets: out of range")


# ----------------------------------------------------------------------------------- linear_forward


@misconception(
    "linear_forward", hint="x, A and b may have different dtypes, and a product asks for one: convert first."
)
def expects_one_dtype(x, A, b):
    return x @ A.T + b


@misconception(
    "linear_forward",
    hint="A has the shape (k_out, k_in), whatever the slide says under A_i: which product maps a row of k_in numbers "
    "to k_out?",
    breaks="weights-k-out-by-k-in",
)
def takes_the_slides_shape_of_the_weights(x, A, b):
    return x @ A + b


@misconception("linear_forward", hint="The biases are missing: b is added to every row.", breaks="bias-added")
def forgets_the_bias(x, A, b):
    return (x @ A.T.to(x.dtype)).clone()


@misconception("linear_forward", hint="A ReLU has slipped in: a linear layer leaves negative numbers as they are.")
def ends_with_a_relu(x, A, b):
    return right.relu(right.linear_forward(x, A, b))


@misconception("linear_forward", hint="A batch of one sample loses its first dimension: keep (N, k_out) for every N.")
def squeezes_a_single_sample(x, A, b):
    return right.linear_forward(x, A, b).squeeze(0)


@misconception("linear_forward", hint="A layer of one unit loses its dimension: keep (N, k_out) for every k_out.")
def squeezes_a_single_unit(x, A, b):
    return right.linear_forward(x, A, b).squeeze(-1)


@misconception("linear_forward", hint="A Python loop runs over the samples: one product can treat the whole batch.")
def maps_sample_by_sample(x, A, b):
    return torch.stack([A.to(x.dtype) @ row + b.to(x.dtype) for row in x])


@misconception("linear_forward", hint="Everything is turned into float32: a float64 input loses its digits.")
def computes_a_layer_in_float32(x, A, b):
    return x.float() @ A.float().T + b.float()


@misconception(
    "linear_forward", hint="Where A or b has a wider dtype than x, the result takes that: it is x's to give."
)
def takes_the_widest_dtype(x, A, b):
    dtype = torch.promote_types(torch.promote_types(x.dtype, A.dtype), b.dtype)
    return x.to(dtype) @ A.T.to(dtype) + b.to(dtype)


@misconception("linear_forward", hint="view needs contiguous memory; not every tensor lies in one piece.")
def views_the_weights(x, A, b):
    return right.linear_forward(x.view(-1).view(x.shape), A.view(-1).view(A.shape), b.view(-1))


# ---------------------------------------------------------------------------------- linear_backward


@misconception("linear_backward", hint="The arguments may have different dtypes, and a product asks for one: convert.")
def expects_one_dtype_backwards(grad_z, x, A):
    return grad_z @ A, grad_z.T @ x, grad_z.sum(0)


@misconception(
    "linear_backward",
    hint="The weights' gradient is turned over: it should have the shape of A.",
    breaks="gradients-have-the-shapes",
)
def transposes_the_weights_gradient(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A.T.clone(), grad_b


@misconception(
    "linear_backward",
    hint="The weights' gradient is averaged over the batch, but all samples share A: their contributions add up. The "
    "1 / N of a mean loss is in grad_z already.",
    breaks="weights-sum-over-the-batch",
)
def averages_the_weights_gradient(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A / len(x), grad_b


@misconception(
    "linear_backward",
    hint="The biases' gradient is averaged over the batch: all samples share b, so it is a sum.",
    breaks="biases-sum-over-the-batch",
)
def averages_the_bias_gradient(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A, grad_b / len(x)


@misconception("linear_backward", hint="Every sample keeps a gradient of b of its own: add them up, b is shared.")
def keeps_a_bias_gradient_per_sample(grad_z, x, A):
    grad_x, grad_A, _ = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A, grad_z.clone()


@misconception("linear_backward", hint="The biases' gradient keeps the batch's dimension: its shape is that of b.")
def keeps_a_row_of_bias_gradients(grad_z, x, A):
    grad_x, grad_A, _ = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A, grad_z.sum(0, keepdim=True)


@misconception("linear_backward", hint="The biases' gradient adds up the wrong dimension: one number per unit is left.")
def sums_the_bias_gradient_over_units(grad_z, x, A):
    grad_x, grad_A, _ = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A, grad_z.sum(1)


@misconception(
    "linear_backward",
    hint="The results come in another order: first the gradient of x, then those of A and b.",
    breaks="order-of-results",
)
def returns_the_parameters_first(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_A, grad_b, grad_x


@misconception("linear_backward", hint="The gradient of x comes back per unit: multiply by A, not by its transpose.")
def multiplies_by_the_transpose(grad_z, x, A):
    _, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_z @ A.T, grad_A, grad_b


@misconception("linear_backward", hint="Only the last sample reaches the weights: sum over the whole batch.")
def keeps_the_last_sample(grad_z, x, A):
    grad_x, _, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x, torch.outer(grad_z[-1].to(x.dtype), x[-1]).to(grad_z.dtype), grad_b


@misconception("linear_backward", hint="The signs are turned round: the step against the gradient comes later.")
def returns_descent_directions(grad_z, x, A):
    return tuple(-part for part in right.linear_backward(grad_z, x, A))


@misconception("linear_backward", hint="For a batch of one, grad_b is a view of grad_z: return a new tensor.")
def returns_a_view_for_one_sample(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x, grad_A, grad_z[0] if len(grad_z) == 1 else grad_b


@misconception("linear_backward", hint="Outer products are added up in a loop over the samples: it is one product.")
def adds_outer_products(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    total = torch.zeros_like(grad_A)
    for g, row in zip(grad_z, x, strict=True):
        total += torch.outer(g, row.to(g.dtype))
    return grad_x, total, grad_b


@misconception("linear_backward", hint="grad_x is squeezed: keep the shape of x even for one sample or one number.")
def squeezes_the_input_gradient(grad_z, x, A):
    grad_x, grad_A, grad_b = right.linear_backward(grad_z, x, A)
    return grad_x.squeeze(), grad_A, grad_b


@misconception("linear_backward", hint="The results have the dtype of x here; they should have that of grad_z.")
def takes_the_dtype_of_the_input(grad_z, x, A):
    return tuple(part.to(x.dtype) for part in right.linear_backward(grad_z, x, A))


# --------------------------------------------------------------------------------------------- relu


@misconception("relu", hint="Negative entries become positive here: the ReLU sets them to 0.")
def takes_the_magnitude(z):
    return z.abs()


@misconception(
    "relu",
    hint="Negative entries leak through with a small slope: that is the leaky ReLU.",
    breaks="negative-entries-vanish",
)
def leaks_below_zero(z):
    return torch.where(z > 0, z, 0.01 * z)


@misconception("relu", hint="The step function says where z is positive; the ReLU keeps z there.")
def returns_a_step(z):
    return (z > 0).to(z.dtype)


@misconception("relu", hint="Entries above 6 are cut off: the ReLU has no upper end.", breaks="positive-entries-stay")
def stops_at_six(z):
    return z.clamp(0, 6)


@misconception("relu", hint="z itself is overwritten: write into a new tensor.")
def overwrites_its_argument(z):
    z[z < 0] = 0
    return z.clone()


@misconception("relu", hint="z itself is overwritten and returned: write into a new tensor.")
def clamps_in_place(z):
    return z.clamp_(min=0)


@misconception("relu", hint="Where all entries are positive, z itself comes back: return a new tensor always.")
def returns_positive_tensors_themselves(z):
    return z if bool((z >= 0).all()) else right.relu(z)


@misconception("relu", hint="Sums and differences near 0 lose tiny entries: a small threshold is no ReLU.")
def swallows_tiny_entries(z):
    return torch.where(z > 1e-8, z, 0.0)


@misconception("relu", hint="The result is float32 whatever z is: keep the dtype.")
def returns_float32(z):
    return z.float().clamp(min=0)


# ------------------------------------------------------------------------------------ relu_backward


@misconception(
    "relu_backward",
    hint="Where z is exactly 0 the gradient passes here; the derivative is taken to be 0 there.",
    breaks="derivative-at-zero",
)
def passes_at_zero(grad_a, z):
    return grad_a * (z >= 0)


@misconception("relu_backward", hint="Where z is exactly 0 half of the gradient passes: the derivative is 0 there.")
def halves_at_zero(grad_a, z):
    return grad_a * (1 + torch.sign(z)).to(grad_a.dtype) / 2


@misconception(
    "relu_backward", hint="The ReLU itself is applied to the gradient: the derivative asks for the sign of z."
)
def clamps_the_gradient(grad_a, z):
    return grad_a.clamp(min=0)


@misconception("relu_backward", hint="The gradient is multiplied by relu(z); its derivative is 1 there, not z.")
def multiplies_by_the_output(grad_a, z):
    return (grad_a * z.clamp(min=0)).to(grad_a.dtype)


@misconception(
    "relu_backward",
    hint="This is the derivative alone: the chain rule multiplies it by what arrives.",
    breaks="multiplied-by-what-arrives",
)
def forgets_what_arrives(grad_a, z):
    return (z > 0).to(grad_a.dtype)


@misconception("relu_backward", hint="The gradient passes where z is negative: it is the other side.")
def passes_the_other_side(grad_a, z):
    return grad_a * (z < 0)


@misconception("relu_backward", hint="Dividing the output by z gives NaN where z is 0: compare instead.")
def divides_by_its_input(grad_a, z):
    return (grad_a * (z.clamp(min=0) / z)).to(grad_a.dtype)


@misconception("relu_backward", hint="Tiny positive inputs count as 0 here: the derivative is 1 right of 0.")
def wants_a_margin(grad_a, z):
    return grad_a * (z > 1e-6)


@misconception("relu_backward", hint="The gradient you were given is overwritten: return a new tensor.")
def zeroes_the_gradient_in_place(grad_a, z):
    grad_a[z <= 0] = 0
    return grad_a.clone()


@misconception("relu_backward", hint="Where every gradient passes, grad_a itself comes back: return a new tensor.")
def returns_the_gradient_itself(grad_a, z):
    return grad_a if bool((z > 0).all()) else grad_a * (z > 0)


@misconception("relu_backward", hint="The result takes the dtype of z; it should have that of grad_a.")
def takes_the_dtype_of_z(grad_a, z):
    return torch.where(z > 0, grad_a, 0).to(z.dtype)


# ------------------------------------------------------------------------------------------ sigmoid


@misconception(
    "sigmoid",
    hint="exp(z) overflows for large z, and infinity over infinity is NaN: which form only needs exp(-z)?",
    breaks="stable-for-large-entries",
)
def overflows_for_large_entries(z):
    return z.exp() / (1 + z.exp())


@misconception("sigmoid", hint="The sign of the exponent is missing: large entries should give 1, not 0.")
def falls_instead_of_rising(z):
    return 1 / (1 + z.exp())


@misconception("sigmoid", hint="This is tanh, which runs from -1 to 1.")
def is_a_tanh(z):
    return z.tanh()


@misconception("sigmoid", hint="tanh(z / 2) is a sigmoid stretched to run from -1 to 1: it has to be moved and halved.")
def forgets_to_rescale_tanh(z):
    return (z / 2).tanh()


@misconception(
    "sigmoid",
    hint="Entries beyond 10 are cut off, where the sigmoid still changes in its digits.",
    breaks="as-steep-as-the-formula",
)
def clips_at_ten(z):
    return torch.sigmoid(z.clamp(-10, 10))


@misconception("sigmoid", hint="The piecewise linear 'hard' sigmoid is an approximation: use the exponential.")
def is_piecewise_linear(z):
    return (z / 6 + 0.5).clamp(0, 1)


@misconception("sigmoid", hint="A small number keeps the result away from 0 and 1: the sigmoid needs no such help.")
def adds_an_epsilon(z):
    return 1 / (1 + (-z).exp() + 1e-7)


@misconception("sigmoid", hint="z itself is overwritten: neg_, exp_ and the like work in place.")
def exponentiates_in_place(z):
    return 1 / (1 + z.neg_().exp())


@misconception("sigmoid", hint="float64 inputs come back as float32: keep the dtype.")
def squashes_to_float32(z):
    return torch.sigmoid(z.float())


# --------------------------------------------------------------------------------- sigmoid_backward


@misconception(
    "sigmoid_backward",
    hint="a is the sigmoid's output already: the sigmoid is applied to it once more here.",
    breaks="takes-the-output",
)
def applies_the_sigmoid_again(grad_a, a):
    s = torch.sigmoid(a)
    return (grad_a * s * (1 - s)).to(grad_a.dtype)


@misconception("sigmoid_backward", hint="This is the derivative alone: the chain rule multiplies it by what arrives.")
def gives_the_derivative_alone(grad_a, a):
    return (a * (1 - a)).to(grad_a.dtype)


@misconception("sigmoid_backward", hint="Half of the product is missing: s'(z) = a times (what is left to 1).")
def forgets_one_factor(grad_a, a):
    return (grad_a * a).to(grad_a.dtype)


@misconception("sigmoid_backward", hint="1 - a^2 is the derivative of tanh.")
def takes_tanhs_derivative(grad_a, a):
    return (grad_a * (1 - a**2)).to(grad_a.dtype)


@misconception("sigmoid_backward", hint="The sign is turned round: the sigmoid rises, so its derivative is positive.")
def turns_the_sign(grad_a, a):
    return (grad_a * a * (a - 1)).to(grad_a.dtype)


@misconception(
    "sigmoid_backward",
    hint="Outputs are kept away from 0 and 1: a saturated unit passes no gradient.",
    breaks="saturated-units",
)
def keeps_saturated_units_alive(grad_a, a):
    a = a.clamp(0.01, 0.99)
    return (grad_a * a * (1 - a)).to(grad_a.dtype)


@misconception("sigmoid_backward", hint="The result takes the wider dtype of the two; it should have grad_a's.")
def takes_the_wider_dtype(grad_a, a):
    return grad_a * a * (1 - a)


@misconception("sigmoid_backward", hint="grad_a is overwritten: return a new tensor.")
def multiplies_in_place(grad_a, a):
    return grad_a.mul_(a * (1 - a)).clone()


# ---------------------------------------------------------------------------- softmax_cross_entropy


@misconception(
    "softmax_cross_entropy",
    hint="The samples' losses are summed: divide by the size of the batch.",
    breaks="loss-is-the-mean",
)
def sums_the_losses(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss * len(targets), grad


@misconception(
    "softmax_cross_entropy",
    hint="The gradient is that of the sum over the batch; the loss is a mean, so every sample counts 1 / N.",
    breaks="gradient-of-the-mean",
)
def forgets_the_batch_in_the_gradient(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss, grad * len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="Both loss and gradient are sums over the batch: divide by the number of its samples (the slide's B counts "
    "batches).",
)
def sums_instead_of_averaging(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss * len(targets), grad * len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="The gradient's average runs over samples and classes: divide by N, not by N K.",
)
def averages_the_gradient_over_classes(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss, grad / logits.shape[1]


@misconception(
    "softmax_cross_entropy",
    hint="These are the probabilities; the gradient also has to know which class was right.",
    breaks="right-class-subtracted",
)
def forgets_the_right_class(logits, targets):
    loss, _ = right.softmax_cross_entropy(logits, targets)
    return loss, _softmax(logits) / len(targets)


@misconception("softmax_cross_entropy", hint="The gradient's sign is turned round.")
def turns_the_gradient(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss, -grad


@misconception("softmax_cross_entropy", hint="The loss is negative: a minus belongs before the logarithm.")
def forgets_the_minus(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return -loss, grad


@misconception(
    "softmax_cross_entropy", hint="The softmax runs down the batch: its probabilities sum to 1 over the classes."
)
def normalises_over_the_batch(logits, targets):
    _checked(logits, targets)
    p = _softmax(logits.T).T
    return -p.gather(1, targets[:, None]).log().mean(), (p - _one_hot(logits, targets)) / len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="exp overflows for large logits: the softmax stays the same when a number is subtracted from a row.",
    breaks="stable-for-large-logits",
)
def exponentiates_raw_logits(logits, targets):
    _checked(logits, targets)
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    return -p.gather(1, targets[:, None]).log().mean(), (p - _one_hot(logits, targets)) / len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="The softmax is stable, but a probability can be 0 in floating point, and its logarithm is infinite: "
    "simplify log(exp(.) / sum) on paper.",
)
def takes_the_logarithm_of_zero(logits, targets):
    _checked(logits, targets)
    p = _softmax(logits)
    return -p.gather(1, targets[:, None]).log().mean(), (p - _one_hot(logits, targets)) / len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="A small number inside the logarithm changes the loss, and caps it: simplify log(exp(.) / sum) instead.",
)
def adds_an_epsilon_to_the_logarithm(logits, targets):
    _checked(logits, targets)
    p = _softmax(logits)
    return -(p.gather(1, targets[:, None]) + 1e-9).log().mean(), (p - _one_hot(logits, targets)) / len(targets)


@misconception("softmax_cross_entropy", hint="Probabilities are cut off from below, which caps the loss.")
def clamps_the_probability(logits, targets):
    _checked(logits, targets)
    p = _softmax(logits)
    return -p.gather(1, targets[:, None]).clamp(min=1e-12).log().mean(), (p - _one_hot(logits, targets)) / len(targets)


@misconception(
    "softmax_cross_entropy",
    hint="One maximum is subtracted from the whole batch: rows far below it vanish. Each row needs its own.",
)
def subtracts_one_maximum(logits, targets):
    _checked(logits, targets)
    shifted = logits - logits.max()
    log_p = shifted - shifted.exp().sum(1, keepdim=True).log()
    grad = (log_p.exp() - _one_hot(logits, targets)) / len(targets)
    return -log_p.gather(1, targets[:, None]).mean(), grad


@misconception("softmax_cross_entropy", hint="Each class's own maximum is subtracted, which changes the softmax.")
def subtracts_the_columns_maxima(logits, targets):
    return right.softmax_cross_entropy(logits - logits.amax(0), targets)


@misconception(
    "softmax_cross_entropy", hint="Indexing with [:, targets] takes every target for every sample: pair them up."
)
def picks_all_targets_for_all(logits, targets):
    _checked(logits, targets)
    _, grad = right.softmax_cross_entropy(logits, targets)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    return -log_p[:, targets].mean(), grad


@misconception("softmax_cross_entropy", hint="The loss should be one number, a tensor of shape ().")
def returns_a_loss_per_sample(logits, targets):
    _, grad = right.softmax_cross_entropy(logits, targets)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    return -log_p.gather(1, targets[:, None]).squeeze(1), grad


@misconception(
    "softmax_cross_entropy",
    hint="The loss has a dimension too many: its shape should be (), not (1,).",
    breaks="loss-is-a-scalar",
)
def returns_a_loss_with_a_dimension(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss.reshape(1), grad


@misconception(
    "softmax_cross_entropy", hint="The loss is a Python number here: keep it a tensor, in the logits' dtype."
)
def returns_a_python_number(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss.item(), grad


@misconception(
    "softmax_cross_entropy",
    hint="Negative targets are let through: indexing takes -1 for the last class.",
    breaks="negative-target",
)
def lets_negative_targets_through(logits, targets):
    if targets.max() >= logits.shape[1]:
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets % logits.shape[1])


@misconception(
    "softmax_cross_entropy",
    hint="Targets of K and more are not refused with a ValueError.",
    breaks="target-too-large",
)
def lets_large_targets_through(logits, targets):
    if targets.min() < 0:
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets.clamp(max=logits.shape[1] - 1))


@misconception("softmax_cross_entropy", hint="A target of K itself slips through: classes are counted from 0.")
def lets_the_number_of_classes_through(logits, targets):
    if targets.min() < 0 or targets.max() > logits.shape[1]:
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets.clamp(max=logits.shape[1] - 1))


@misconception(
    "softmax_cross_entropy", hint="Target 0 is refused: classes are counted from 0 to K - 1.", breaks="class-zero"
)
def refuses_class_zero(logits, targets):
    if targets.min() <= 0:
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets)


@misconception("softmax_cross_entropy", hint="Only the first target is looked at before it is used: check them all.")
def checks_the_first_target(logits, targets):
    if not 0 <= targets[0] < logits.shape[1]:
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets % logits.shape[1])


@misconception("softmax_cross_entropy", hint="Targets are not checked: a wrong one should raise a ValueError.")
def checks_no_target(logits, targets):
    log_p = logits - logits.logsumexp(1, keepdim=True)
    rows = torch.arange(len(targets))
    grad = log_p.exp()
    grad[rows, targets] -= 1
    return -log_p[rows, targets].mean(), grad / len(targets)


@misconception("softmax_cross_entropy", hint="The error has another class: wrong targets raise a ValueError.")
def raises_an_index_error(logits, targets):
    if targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise IndexError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets)


@misconception("softmax_cross_entropy", hint="The message should name the argument, so that its reader finds it.")
def names_no_argument(logits, targets):
    try:
        return right.softmax_cross_entropy(logits, targets)
    except ValueError:
        raise ValueError("bad input") from None


@misconception("softmax_cross_entropy", hint="The logits you were given have changed: -= works in place.")
def shifts_in_place(logits, targets):
    result = right.softmax_cross_entropy(logits, targets)
    logits -= logits.amax(1, keepdim=True)
    return result


@misconception(
    "softmax_cross_entropy", hint="A loop runs over the samples: gather or an index pair treats them at once."
)
def adds_up_sample_by_sample(logits, targets):
    _checked(logits, targets)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    grad, loss = log_p.exp(), torch.zeros((), dtype=logits.dtype)
    for row, target in enumerate(targets):
        loss = loss - log_p[row, target]
        grad[row, target] -= 1
    return loss / len(targets), grad / len(targets)


@misconception("softmax_cross_entropy", hint="PyTorch's own loss is called: write it from its formula.")
def calls_the_built_in_loss(logits, targets):
    _, grad = right.softmax_cross_entropy(logits, targets)
    return F.cross_entropy(logits, targets), grad


@misconception("softmax_cross_entropy", hint="PyTorch's own softmax is called: write it from its formula.")
def calls_the_built_in_softmax(logits, targets):
    loss, _ = right.softmax_cross_entropy(logits, targets)
    return loss, (logits.softmax(1) - _one_hot(logits, targets)) / len(targets)


@misconception("softmax_cross_entropy", hint="Autograd computes the gradient: derive it by hand.")
def lets_autograd_do_it(logits, targets):
    _checked(logits, targets)
    leaf = logits.clone().requires_grad_()
    loss = (leaf.logsumexp(1) - leaf.gather(1, targets[:, None])[:, 0]).mean()
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


# -------------------------------------------------------------------------------------- mlp_forward


@misconception(
    "mlp_forward",
    hint="A ReLU follows the last layer: logits may be negative.",
    breaks="no-relu-after-the-last",
)
def ends_the_network_with_a_relu(x, params):
    return right.relu(right.mlp_forward(x, params))


@misconception(
    "mlp_forward",
    hint="Without a ReLU in between, all layers together are one linear map.",
    breaks="relu-between-layers",
)
def forgets_the_relu(x, params):
    for A, b in params:
        x = right.linear_forward(x, A, b)
    return x


@misconception("mlp_forward", hint="A sigmoid stands between the layers: the activation is the ReLU.")
def activates_with_a_sigmoid(x, params):
    for A, b in params[:-1]:
        x = right.sigmoid(right.linear_forward(x, A, b))
    return right.linear_forward(x, *params[-1])


@misconception("mlp_forward", hint="Probabilities come out: the logits are what the last layer gives, no softmax.")
def ends_with_a_softmax(x, params):
    return _softmax(right.mlp_forward(x, params))


@misconception(
    "mlp_forward",
    hint="Exactly two layers are read: the list may hold any number of them.",
    breaks="any-depth",
)
def knows_two_layers(x, params):
    (A1, b1), (A2, b2) = params
    return right.linear_forward(right.relu(right.linear_forward(x, A1, b1)), A2, b2)


@misconception("mlp_forward", hint="At most three layers are read: the list may hold more.")
def stops_after_three_layers(x, params):
    return right.mlp_forward(x, params[:3])


@misconception("mlp_forward", hint="A layer's biases are left out.")
def leaves_out_the_biases(x, params):
    return right.mlp_forward(x, [(A, torch.zeros_like(b)) for A, b in params])


@misconception("mlp_forward", hint="The last layer has a bias as well.")
def leaves_out_the_last_bias(x, params):
    return right.mlp_forward(x, [*params[:-1], (params[-1][0], torch.zeros_like(params[-1][1]))])


@misconception(
    "mlp_forward",
    hint="The list of parameters has been emptied: popping changes the caller's list.",
    breaks="list-left-alone",
)
def pops_the_layers(x, params):
    while len(params) > 1:
        A, b = params.pop(0)
        x = right.relu(right.linear_forward(x, A, b))
    return right.linear_forward(x, *params[0])


@misconception("mlp_forward", hint="The layers run from last to first.")
def runs_backwards(x, params):
    return right.mlp_forward(x, params[::-1])


@misconception("mlp_forward", hint="A single sample loses its dimension: keep (N, K) for every N.")
def squeezes_the_logits(x, params):
    return right.mlp_forward(x, params).squeeze()


@misconception("mlp_forward", hint="The logits take the dtype of the parameters; they should have that of x.")
def takes_the_dtype_of_the_parameters(x, params):
    return right.mlp_forward(x.to(params[0][0].dtype), params)


@misconception("mlp_forward", hint="Samples are sent through one by one: the layers take the whole batch.")
def sends_sample_by_sample(x, params):
    return torch.cat([right.mlp_forward(row[None], params) for row in x])


# ------------------------------------------------------------------------------- mlp_loss_and_grads


def _through(x, targets, params, *, back=None, loss_and_grad=None, linear=right.linear_backward):
    """The right pass with a part of it exchanged: ``back(grad, z, a)`` at a ReLU, ``linear`` at a layer."""
    inputs, sums = [x], []
    for A, b in params:
        sums.append(right.linear_forward(inputs[-1], A, b))
        inputs.append(right.relu(sums[-1]))
    loss, grad = (loss_and_grad or right.softmax_cross_entropy)(sums[-1], targets)
    grads = []
    for layer in reversed(range(len(params))):
        grad_x, *pair = linear(grad, inputs[layer], params[layer][0])
        grads.append(tuple(pair))
        if layer:
            grad = (back or (lambda g, z, a: right.relu_backward(g, z)))(grad_x, sums[layer - 1], inputs[layer])
    return loss, grads[::-1]


@misconception(
    "mlp_loss_and_grads",
    hint="The gradients come in the order in which they are computed, last layer first: turn the list round.",
    breaks="order-of-the-layers",
)
def returns_the_last_layer_first(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, grads[::-1]


@misconception(
    "mlp_loss_and_grads",
    hint="The ReLU's derivative is missing on the way back: silent units pass no gradient.",
    breaks="carried-through-the-relu",
)
def forgets_the_relus_derivative(x, targets, params):
    return _through(x, targets, params, back=lambda g, z, a: g)


@misconception(
    "mlp_loss_and_grads",
    hint="A unit that receives exactly 0 passes a gradient: relu'(0) is 0 here.",
    breaks="silent-units",
)
def passes_silent_units(x, targets, params):
    return _through(x, targets, params, back=lambda g, z, a: g * (z >= 0))


@misconception("mlp_loss_and_grads", hint="The ReLU's derivative is multiplied by the activation: it is 0 or 1.")
def multiplies_by_the_activation(x, targets, params):
    return _through(x, targets, params, back=lambda g, z, a: g * a)


@misconception("mlp_loss_and_grads", hint="On the way back, the mask is taken from the gradient instead of z.")
def masks_by_the_gradient(x, targets, params):
    return _through(x, targets, params, back=lambda g, z, a: g.clamp(min=0))


@misconception(
    "mlp_loss_and_grads",
    hint="The gradients are averaged a second time: the loss's gradient has its 1 / N already.",
    breaks="averaged-once",
)
def averages_twice(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, [(grad_A / len(x), grad_b / len(x)) for grad_A, grad_b in grads]


@misconception("mlp_loss_and_grads", hint="The gradients are those of the summed loss: the loss is a mean.")
def forgets_to_average(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, [(grad_A * len(x), grad_b * len(x)) for grad_A, grad_b in grads]


@misconception("mlp_loss_and_grads", hint="The loss is summed over the batch: it is a mean.", breaks="loss-is-the-mean")
def sums_the_networks_loss(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss * len(x), grads


@misconception(
    "mlp_loss_and_grads", hint="The weights meet the sums before the ReLU: the layer saw what came after it."
)
def uses_the_sums_for_the_inputs(x, targets, params):
    sums, h = [x], x
    for A, b in params:
        sums.append(right.linear_forward(h, A, b))
        h = right.relu(sums[-1])
    loss, grad = right.softmax_cross_entropy(sums[-1], targets)
    grads = []
    for layer in reversed(range(len(params))):
        grad_x, *pair = right.linear_backward(grad, sums[layer], params[layer][0])
        grads.append(tuple(pair))
        grad = right.relu_backward(grad_x, sums[layer]) if layer else None
    return loss, grads[::-1]


@misconception("mlp_loss_and_grads", hint="The last layer gets a ReLU: its sums are the logits.")
def activates_the_logits(x, targets, params):
    def loss_and_grad(z, wanted):
        loss, grad = right.softmax_cross_entropy(right.relu(z), wanted)
        return loss, right.relu_backward(grad, z)

    return _through(x, targets, params, loss_and_grad=loss_and_grad)


@misconception("mlp_loss_and_grads", hint="Forward there is no ReLU after the last layer, so backward there is none.")
def masks_the_logits_gradient(x, targets, params):
    def loss_and_grad(z, wanted):
        loss, grad = right.softmax_cross_entropy(z, wanted)
        return loss, right.relu_backward(grad, z)

    return _through(x, targets, params, loss_and_grad=loss_and_grad)


@misconception("mlp_loss_and_grads", hint="Gradients end up transposed: each has the shape of its parameter.")
def transposes_every_gradient(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, [(grad_A.T.clone(), grad_b) for grad_A, grad_b in grads]


@misconception("mlp_loss_and_grads", hint="The gradients lie in one long list: they come in pairs, as in params.")
def flattens_the_pairs(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, [grad for pair in grads for grad in pair]


@misconception("mlp_loss_and_grads", hint="The first layer's gradients are missing.")
def stops_before_the_first_layer(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    return loss, grads[1:] if len(grads) > 1 else grads


@misconception(
    "mlp_loss_and_grads", hint="Past the second layer from the end the gradient is not carried on.", breaks="any-depth"
)
def carries_back_two_layers_only(x, targets, params):
    loss, grads = right.mlp_loss_and_grads(x, targets, params)
    deep = len(grads) - 2
    return loss, [(A * 0, b * 0) if layer < deep else (A, b) for layer, (A, b) in enumerate(grads)]


@misconception(
    "mlp_loss_and_grads",
    hint="Negative targets are let through: indexing takes -1 for the last class.",
    breaks="negative-target",
)
def lets_negative_targets_into_the_network(x, targets, params):
    classes = len(params[-1][1])
    if targets.max() >= classes:
        raise ValueError("targets: out of range")
    return right.mlp_loss_and_grads(x, targets % classes, params)


@misconception(
    "mlp_loss_and_grads",
    hint="Targets of K and more are not refused with a ValueError.",
    breaks="target-too-large",
)
def lets_large_targets_into_the_network(x, targets, params):
    if targets.min() < 0:
        raise ValueError("targets: out of range")
    return right.mlp_loss_and_grads(x, targets.clamp(max=len(params[-1][1]) - 1), params)


@misconception(
    "mlp_loss_and_grads", hint="Targets are compared with the width of the input, not with that of the output."
)
def counts_the_inputs_for_classes(x, targets, params):
    if targets.min() < 0 or targets.max() >= x.shape[1]:
        raise ValueError("targets: out of range")
    return right.mlp_loss_and_grads(x, targets.clamp(max=len(params[-1][1]) - 1), params)


@misconception("mlp_loss_and_grads", hint="The loss overflows for large logits: subtract each row's maximum first.")
def overflows_in_the_network(x, targets, params):
    def loss_and_grad(z, wanted):
        _checked(z, wanted)
        p = z.exp() / z.exp().sum(1, keepdim=True)
        return -p.gather(1, wanted[:, None]).log().mean(), (p - _one_hot(z, wanted)) / len(wanted)

    return _through(x, targets, params, loss_and_grad=loss_and_grad)


@misconception(
    "mlp_loss_and_grads",
    hint="The list of parameters has been turned round in place: reversed() copies.",
    breaks="list-left-alone",
)
def turns_the_callers_list(x, targets, params):
    result = right.mlp_loss_and_grads(x, targets, params)
    params.reverse()
    return result


@misconception("mlp_loss_and_grads", hint="The parameters have been updated: this function only returns gradients.")
def updates_on_the_way(x, targets, params):
    result = right.mlp_loss_and_grads(x, targets, params)
    for pair, gradients in zip(params, result[1], strict=True):
        for parameter, grad in zip(pair, gradients, strict=True):
            parameter.sub_(0.1 * grad)
    return result


@misconception("mlp_loss_and_grads", hint="The gradients take the dtype of the parameters; they should have that of x.")
def takes_the_dtype_of_the_weights(x, targets, params):
    return right.mlp_loss_and_grads(x.to(params[0][0].dtype), targets, params)


@misconception("mlp_loss_and_grads", hint="Samples go back one by one: the layers take the whole batch.")
def goes_back_sample_by_sample(x, targets, params):
    losses, total = [], None
    for n in range(len(x)):
        loss, grads = right.mlp_loss_and_grads(x[n : n + 1], targets[n : n + 1], params)
        losses.append(loss)
        parts = [g / len(x) for pair in grads for g in pair]
        total = parts if total is None else [a + b for a, b in zip(total, parts, strict=True)]
    return torch.stack(losses).mean(), list(zip(total[::2], total[1::2], strict=True))


@misconception("mlp_loss_and_grads", hint="Autograd computes the gradients: carry them back by hand.")
def lets_autograd_go_back(x, targets, params):
    leaves = [tuple(part.detach().clone().requires_grad_() for part in pair) for pair in params]
    logits = right.mlp_forward(x, leaves)
    _checked(logits, targets)
    loss = (logits.logsumexp(1) - logits.gather(1, targets[:, None])[:, 0]).mean()
    loss.backward()
    return loss.detach(), [(A.grad, b.grad) for A, b in leaves]


# ----------------------------------------------------------------------------------------- sgd_step


def _stepped(params, grads, rate):
    return [
        tuple((p + rate * g).to(p.dtype) for p, g in zip(*pair, strict=True))
        for pair in zip(params, grads, strict=True)
    ]


def _positive(lr):
    if lr <= 0:
        raise ValueError(f"lr={lr} is not positive")


@misconception("sgd_step", hint="The step goes up the slope: move against the gradient.", breaks="against-the-gradient")
def climbs_the_slope(params, grads, lr):
    _positive(lr)
    return _stepped(params, grads, lr)


@misconception("sgd_step", hint="Rates above 1 are cut off: any rate above 0 is taken as it is.")
def caps_the_rate(params, grads, lr):
    _positive(lr)
    return _stepped(params, grads, -min(lr, 1.0))


@misconception("sgd_step", hint="The learning rate is not used: every step has the length of the gradient.")
def ignores_the_rate(params, grads, lr):
    _positive(lr)
    return _stepped(params, grads, -1)


@misconception("sgd_step", hint="Only the weights move: biases are parameters as well.", breaks="biases-move")
def forgets_the_biases(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    return [(A, b.clone()) for (A, _), (_, b) in zip(stepped, params, strict=True)]


@misconception("sgd_step", hint="Only the last layer moves: every layer has a gradient.")
def moves_the_last_layer_only(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    return [tuple(p.clone() for p in pair) for pair in params[:-1]] + stepped[-1:]


@misconception("sgd_step", hint="The gradient is scaled to length 1: the plain step takes it as it is.")
def normalises_the_gradient(params, grads, lr):
    _positive(lr)
    unit = [tuple(g / g.norm().clamp(min=1e-12) for g in pair) for pair in grads]
    return _stepped(params, unit, -lr)


@misconception("sgd_step", hint="Large gradients are clipped: the plain step takes them as they are.")
def clips_the_gradient(params, grads, lr):
    _positive(lr)
    return _stepped(params, [tuple(g.clamp(-10, 10) for g in pair) for pair in grads], -lr)


@misconception(
    "sgd_step",
    hint="The old parameters are overwritten: -= works in place. Return new tensors.",
    breaks="old-parameters-left",
)
def descends_in_place(params, grads, lr):
    _positive(lr)
    for pair, gradients in zip(params, grads, strict=True):
        for parameter, grad in zip(pair, gradients, strict=True):
            parameter.sub_(lr * grad)
    return [(A.clone(), b.clone()) for A, b in params]


@misconception("sgd_step", hint="The old parameters are overwritten and returned: return new tensors.")
def returns_the_overwritten(params, grads, lr):
    _positive(lr)
    for pair, gradients in zip(params, grads, strict=True):
        for parameter, grad in zip(pair, gradients, strict=True):
            parameter.sub_(lr * grad)
    return params


@misconception(
    "sgd_step",
    hint="The tensors stay, but the list you were given holds new ones: make a list of your own.",
    breaks="list-left-alone",
)
def refills_the_callers_list(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    params[:] = stepped
    return [tuple(p.clone() for p in pair) for pair in stepped]


@misconception("sgd_step", hint="Where the gradient is 0 the old tensor itself comes back: return a new one always.")
def returns_what_stands_still(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    return [
        tuple(old if bool((g == 0).all()) else new for old, g, new in zip(*triple, strict=True))
        for triple in zip(params, grads, stepped, strict=True)
    ]


@misconception("sgd_step", hint="A rate of 0 is accepted, with which nothing is ever learnt.", breaks="rate-zero")
def accepts_rate_zero(params, grads, lr):
    if lr < 0:
        raise ValueError(f"lr={lr} is negative")
    return _stepped(params, grads, -lr)


@misconception("sgd_step", hint="A negative rate is accepted, with which the loss climbs.", breaks="negative-rate")
def accepts_negative_rates(params, grads, lr):
    if lr == 0:
        raise ValueError(f"lr={lr} is 0")
    return _stepped(params, grads, -lr)


@misconception(
    "sgd_step", hint="Rates of 1 and more are refused; only 0 and below are wrong.", breaks="any-positive-rate"
)
def refuses_large_rates(params, grads, lr):
    if not 0 < lr < 1:
        raise ValueError(f"lr={lr} is out of range")
    return _stepped(params, grads, -lr)


@misconception("sgd_step", hint="An assert raises an AssertionError: raise a ValueError.")
def asserts_a_positive_rate(params, grads, lr):
    assert lr > 0, "lr must be positive"  # noqa: S101
    return _stepped(params, grads, -lr)


@misconception("sgd_step", hint="Tiny rates are refused as if they were 0.")
def refuses_tiny_rates(params, grads, lr):
    if lr < 1e-6:
        raise ValueError(f"lr={lr} is not positive")
    return _stepped(params, grads, -lr)


@misconception("sgd_step", hint="The new parameters take the gradients' dtype; they should keep their own.")
def takes_the_dtype_of_the_gradients(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    return [tuple(p.to(g.dtype) for p, g in zip(*pair, strict=True)) for pair in zip(stepped, grads, strict=True)]


@misconception("sgd_step", hint="Nothing comes back: return the new parameters.")
def returns_nothing(params, grads, lr):
    right.sgd_step(params, grads, lr)


@misconception("sgd_step", hint="Tiny rates are raised to a least one: any rate above 0 is taken as it is.")
def lifts_tiny_rates(params, grads, lr):
    _positive(lr)
    return _stepped(params, grads, -max(lr, 1e-4))


@misconception(
    "softmax_cross_entropy", hint="Of the negative targets only -1 is refused: indexing takes -2 for a class as well."
)
def refuses_minus_one_only(logits, targets):
    classes = logits.shape[1]
    if (targets == -1).any() or (targets >= classes).any():
        raise ValueError("targets: out of range")
    return right.softmax_cross_entropy(logits, targets % classes)


# --------------------------------------------------------- wrong for some sizes, shapes, magnitudes only


@misconception("linear_forward", hint="Rows past the 64th stay 0: a batch may have any size.")
def fills_64_rows_only(x, A, b):
    z = right.linear_forward(x, A, b)
    z[64:] = 0
    return z


@misconception("linear_forward", hint="Small sums are set to 0: they are as right as large ones.")
def rounds_small_sums_to_zero(x, A, b):
    z = right.linear_forward(x, A, b)
    return z.masked_fill(z.abs() < 1e-7, 0)


@misconception(
    "linear_forward", hint="For a row of zeros b itself is returned: writing into the result would change the layer."
)
def hands_out_the_biases_themselves(x, A, b):
    return b[None] if len(x) == 1 and not x.any() and b.dtype == x.dtype else right.linear_forward(x, A, b)


@misconception("linear_forward", hint="Wide layers are computed in half precision: keep the dtype of x or a wider one.")
def saves_memory_in_wide_layers(x, A, b):
    narrow = [t.bfloat16().to(t.dtype) for t in (x, A)] if x.shape[1] > 8 else (x, A)
    return right.linear_forward(*narrow, b)


@misconception("linear_backward", hint="Small gradients are set to 0: with them early layers would stop to learn.")
def rounds_small_gradients_to_zero(grad_z, x, A):
    return tuple(part.masked_fill(part.abs() < 1e-9, 0) for part in right.linear_backward(grad_z, x, A))


@misconception(
    "relu", hint="A single number, of shape (), comes back as a vector: keep the shape of z.", breaks="any-shape"
)
def makes_a_vector_of_a_number(z):
    return torch.atleast_1d(right.relu(z))


@misconception("relu", hint="A view needs entries in one block of memory: reshape, or work on z as it is.")
def flattens_by_a_view(z):
    return z.view(-1).clamp(min=0).view(z.shape)


@misconception("relu", hint="The largest entries are cut off: the ReLU has no upper end.")
def stops_short_of_ten_thousand(z):
    return z.clamp(0, 9999)


@misconception("relu", hint="More than four dimensions give zeros: the ReLU works entry by entry, in any shape.")
def knows_four_dimensions(z):
    return right.relu(z) if z.dim() <= 4 else torch.zeros_like(z)


@misconception(
    "relu_backward", hint="z may be a single number, of shape (), which has no rows to go through.", breaks="any-shape"
)
def unbinds_the_first_dimension(grad_a, z):
    if z.dim() == 0:
        raise IndexError("no first dimension")
    return right.relu_backward(grad_a, z)


@misconception(
    "relu_backward", hint="In float32 the smallest positive entries of z become 0: compare them in their own dtype."
)
def looks_at_z_in_float32(grad_a, z):
    return grad_a * (z.float() > 0)


@misconception(
    "sigmoid", hint="z may be a single number, of shape (): it has no rows to go through.", breaks="any-shape"
)
def wants_a_first_dimension(z):
    if z.dim() == 0:
        raise IndexError("no first dimension")
    return right.sigmoid(z)


@misconception("sigmoid", hint="Entries of exactly 1e4 give NaN: the bound itself is allowed.")
def breaks_at_the_bound(z):
    return right.sigmoid(z).masked_fill(z.abs() >= 1e4, torch.nan)


@misconception("sigmoid_backward", hint="Near 0 and 1 the derivative is small, not 0: only at 0 and 1 does it vanish.")
def silences_nearly_saturated_units(grad_a, a):
    return right.sigmoid_backward(grad_a, a).masked_fill((a < 1e-7) | (a > 1 - 1e-7), 0)


@misconception("sigmoid_backward", hint="Small gradients are set to 0: they should become smaller still, no more.")
def drops_small_gradients(grad_a, a):
    grad = right.sigmoid_backward(grad_a, a)
    return grad.masked_fill(grad.abs() < 1e-8, 0)


@misconception(
    "sigmoid_backward", hint="a may be a single number, of shape (): it has no rows to go through.", breaks="any-shape"
)
def multiplies_row_by_row(grad_a, a):
    return torch.einsum("i...,i...->i...", grad_a, (a * (1 - a)).to(grad_a.dtype))


@misconception("sigmoid_backward", hint="Large batches are averaged: each entry has a gradient of its own.")
def averages_large_batches(grad_a, a):
    return right.sigmoid_backward(grad_a, a) / (len(a) if a.dim() and len(a) > 32 else 1)


@misconception("softmax_cross_entropy", hint="The loss looks at the first 100 samples: it is a mean over all of them.")
def averages_the_first_hundred(logits, targets):
    _, grad = right.softmax_cross_entropy(logits, targets)
    return right.softmax_cross_entropy(logits[:100], targets[:100])[0], grad


@misconception(
    "softmax_cross_entropy", hint="The loss is cut off at 1e4: two logits may lie 2e4 apart, and it with them."
)
def caps_the_loss(logits, targets):
    loss, grad = right.softmax_cross_entropy(logits, targets)
    return loss.clamp(max=1e4), grad


@misconception("mlp_forward", hint="Converted parameters are written into the list of the caller: make a new one.")
def converts_the_list_in_place(x, params):
    params[:] = [(A.to(x.dtype), b.to(x.dtype)) for A, b in params]
    return right.mlp_forward(x, params)


@misconception(
    "mlp_forward", hint="A view needs entries in one block of memory, and weights may be a transposed tensor."
)
def flattens_the_last_weights(x, params):
    *hidden, (A, b) = params
    return right.mlp_forward(x, [*hidden, (A.view(-1).view(A.shape), b)])


@misconception("mlp_loss_and_grads", hint="Units with small positive sums are taken for silent: the bound is 0.")
def silences_faint_units(x, targets, params):
    return _through(x, targets, params, back=lambda g, z, a: g * (z > 1e-5))


@misconception(
    "mlp_loss_and_grads", hint="Converted parameters are written into the list of the caller: make a new one."
)
def converts_the_parameters_in_place(x, targets, params):
    params[:] = [(A.to(x.dtype), b.to(x.dtype)) for A, b in params]
    return right.mlp_loss_and_grads(x, targets, params)


@misconception("sgd_step", hint="Small gradients are ignored: every gradient moves its parameter.")
def ignores_small_gradients(params, grads, lr):
    kept = [tuple(g.masked_fill(g.abs() < 1e-6, 0) for g in pair) for pair in grads]
    return right.sgd_step(params, kept, lr)


@misconception("sgd_step", hint="Layers past the fourth are lost: there may be any number of them.")
def moves_four_layers(params, grads, lr):
    return right.sgd_step(params[:4], grads[:4], lr)


@misconception("sgd_step", hint="Converted gradients are written into the list of the caller: make a new one.")
def converts_the_gradients_in_place(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    grads[:] = [tuple(g.to(p.dtype) for p, g in zip(*pair, strict=True)) for pair in zip(params, grads, strict=True)]
    return stepped


@misconception("sgd_step", hint="Large layers stay where they are: every layer moves.")
def leaves_large_layers(params, grads, lr):
    stepped = right.sgd_step(params, grads, lr)
    return [(A.clone() if A.numel() > 30 else new, b) for (A, _), (new, b) in zip(params, stepped, strict=True)]

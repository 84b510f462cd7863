"""Model solution of the assignment on back-propagation: a multilayer perceptron and its gradients by hand.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Back-propagation" and "Stochastic gradient descent";
V. Boudart, Deep Learning: introduction and basics (Liège), course 2 §1.1 and §1.2;
Artificial Neural Networks and Deep Learning (Politecnico di Milano, 2023-24), §2.2 and §2.4.
"""

import functools

import torch
from torch import Tensor


def linear_forward(x: Tensor, A: Tensor, b: Tensor) -> Tensor:
    r"""A linear layer on a batch of rows.

    .. math:: z = x A^T + b, \qquad\text{which is}\quad z_n = A x_n + b \quad\text{for every sample } n

    Args:
        x: the batch ``(N, k_in)``, one sample per row.
        A: weights ``(k_out, k_in)``.
        b: biases ``(k_out,)``.

    Returns:
        ``z``, ``(N, k_out)``, in the dtype of ``x``; ``A`` and ``b`` may have another floating dtype.

    Source: Vérine, Deep Learning II, "Back-propagation". Its slides give ``A_i`` the shape ``(k_in, k_out)`` and
    yet write ``A_i x``, which asks for ``(k_out, k_in)``.
    """
    wide_x, wide_A, wide_b = _widened(x, A, b)
    return (wide_x @ wide_A.T + wide_b).to(x.dtype)


def linear_backward(grad_z: Tensor, x: Tensor, A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""Carry a gradient back through ``linear_forward``.

    With :math:`\partial l / \partial z` given, return the derivatives of the loss :math:`l` with respect to ``x``,
    ``A`` and ``b``. All samples share ``A`` and ``b``: their contributions add up. (A loss that is a mean over the
    batch has its ``1 / N`` in ``grad_z`` already.)

    Args:
        grad_z: the gradient at the output, ``(N, k_out)``.
        x: the batch that went in, ``(N, k_in)``.
        A: weights ``(k_out, k_in)``.

    Returns:
        ``(grad_x, grad_A, grad_b)`` with the shapes of ``x``, ``A`` and ``b``, all in the dtype of ``grad_z``;
        new tensors that share no memory with the arguments.

    Source: Vérine, Deep Learning II, "Back-propagation"; Boudart, course 2 §1.2.
    """
    grad, wide_x, wide_A = _widened(grad_z, x, A)
    dtype = grad_z.dtype
    return (grad @ wide_A).to(dtype), (grad.T @ wide_x).to(dtype), grad_z.sum(dim=0)


def relu(z: Tensor) -> Tensor:
    r"""The rectified linear unit, entry by entry.

    .. math:: \sigma(z) = \max\{0, z\}

    Args:
        z: a tensor of any shape.

    Returns:
        ``a``, a new tensor of the shape and dtype of ``z``.

    Source: Vérine, Deep Learning II, "Rectified Linear Unit (ReLU)".
    """
    return z.clamp(min=0)


def relu_backward(grad_a: Tensor, z: Tensor) -> Tensor:
    r"""Carry a gradient back through ``relu``.

    .. math:: \frac{\partial l}{\partial z} = \frac{\partial l}{\partial a}\, \sigma'(z)

    At 0, where the ReLU has a kink, the derivative is taken to be 0.

    Args:
        grad_a: the gradient at the output, shaped like ``z``.
        z: what went into the ReLU, of any shape.

    Returns:
        The gradient at ``z``, of its shape and in the dtype of ``grad_a``.

    Source: Vérine, Deep Learning II, "Back-propagation".
    """
    return grad_a * (z > 0)


def sigmoid(z: Tensor) -> Tensor:
    r"""The logistic function, entry by entry.

    .. math:: \sigma(z) = \frac{1}{1 + e^{-z}}

    Args:
        z: a tensor of any shape, with entries up to 1e4 in magnitude: none of them gives NaN.

    Returns:
        ``a``, between 0 and 1, of the shape and dtype of ``z``.

    Source: Boudart, course 2 §2; Politecnico di Milano §2.4.
    """
    return torch.sigmoid(z)


def sigmoid_backward(grad_a: Tensor, a: Tensor) -> Tensor:
    r"""Carry a gradient back through ``sigmoid``, given what the sigmoid returned.

    .. math:: \frac{\partial l}{\partial z} = \frac{\partial l}{\partial a}\, \sigma'(z)

    The forward pass has computed ``a`` already, and the derivative can be read off it.

    Args:
        grad_a: the gradient at the output, shaped like ``a``.
        a: the output ``sigmoid(z)`` (not ``z``), of any shape, from 0 to 1 inclusive.

    Returns:
        The gradient at ``z``, shaped like ``a``, in the dtype of ``grad_a``.

    Source: Boudart, course 2 §1.2: "we know some of the terms thanks to the forward pass".
    """
    return (grad_a * (a * (1 - a))).to(grad_a.dtype)


def softmax_cross_entropy(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    r"""The cross-entropy of a softmax, averaged over the batch, and its gradient at the logits.

    .. math:: l = -\frac1N \sum_n \log p_{n, t_n}, \qquad p_{nk} = \frac{e^{s_{nk}}}{\sum_j e^{s_{nj}}}

    Args:
        logits: scores ``s`` of ``K >= 1`` classes, ``(N, K)``, up to 1e4 in magnitude: loss and gradient stay finite.
        targets: the right classes ``t``, int64 ``(N,)``, each in ``[0, K)``.

    Returns:
        ``(loss, grad_logits)``: a tensor of shape ``()`` and the gradient of the loss (of the mean, that is), shaped
        like ``logits``; both in the dtype of ``logits``.

    Raises:
        ValueError: a target is negative, or ``K`` or more; the message names ``targets``.

    Source: Vérine, Deep Learning II, "The first deep learning model"; Politecnico di Milano §2.2.2.
    """
    _require_classes(targets, logits.shape[1])
    shifted = logits - logits.amax(dim=1, keepdim=True)
    log_p = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    column = targets.unsqueeze(1)
    grad = log_p.exp().scatter_add(1, column, -torch.ones_like(log_p))
    return -log_p.gather(1, column).mean(), grad / len(targets)


def mlp_forward(x: Tensor, params: list[tuple[Tensor, Tensor]]) -> Tensor:
    r"""The logits of a multilayer perceptron: linear layers with a ReLU between one and the next.

    .. math:: x_i = \sigma(A_i x_{i-1} + b_i) \quad (i < L), \qquad s = A_L x_{L-1} + b_L

    There is no ReLU after the last layer, and thus none at all where there is one layer only.

    Args:
        x: the batch ``(N, k_0)``, one sample per row.
        params: a list of ``(A, b)``, one pair per layer, first layer first, of any length from 1;
            ``A`` is ``(k_out, k_in)`` and ``b`` is ``(k_out,)``.

    Returns:
        Logits ``(N, K)``, in the dtype of ``x``.

    Source: Vérine, Deep Learning II, "The first deep learning model"; Boudart, course 2 §1.2.
    """
    *hidden, last = params
    for A, b in hidden:
        x = relu(linear_forward(x, A, b))
    return linear_forward(x, *last)


def mlp_loss_and_grads(
    x: Tensor, targets: Tensor, params: list[tuple[Tensor, Tensor]]
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    r"""The softmax cross-entropy of ``mlp_forward``, and its gradient for every parameter, by back-propagation.

    The gradient at the logits is carried back layer by layer; on its way it meets what the forward pass left there.

    Args:
        x: the batch ``(N, k_0)``, one sample per row.
        targets: the right classes, int64 ``(N,)``, each in ``[0, K)``.
        params: a list of ``(A, b)`` as in ``mlp_forward``, of any length from 1.

    Returns:
        ``(loss, grads)``: the mean loss, a tensor of shape ``()``, and a list of ``(grad_A, grad_b)`` in the order of
        ``params`` and with their shapes; all in the dtype of ``x``.

    Raises:
        ValueError: a target is negative, or ``K`` or more; the message names ``targets``.

    Source: Vérine, Deep Learning II, "Back-propagation"; Boudart, course 2 §1.2.
    """
    inputs, sums = [x], []
    for A, b in params:
        sums.append(linear_forward(inputs[-1], A, b))
        inputs.append(relu(sums[-1]))
    loss, grad = softmax_cross_entropy(sums[-1], targets)
    grads = []
    for layer in reversed(range(len(params))):
        grad_x, grad_A, grad_b = linear_backward(grad, inputs[layer], params[layer][0])
        grads.append((grad_A, grad_b))
        if layer > 0:
            grad = relu_backward(grad_x, sums[layer - 1])
    return loss, grads[::-1]


def sgd_step(
    params: list[tuple[Tensor, Tensor]], grads: list[tuple[Tensor, Tensor]], lr: float
) -> list[tuple[Tensor, Tensor]]:
    r"""One step of gradient descent.

    .. math:: \theta \leftarrow \theta - \lambda \nabla_\theta l

    Args:
        params: a list of ``(A, b)``, one pair per layer; left as it is, and so are its tensors.
        grads: a list of ``(grad_A, grad_b)`` in the same order, as ``mlp_loss_and_grads`` returns it.
        lr: the learning rate :math:`\lambda`, above 0.

    Returns:
        The new parameters in the structure of ``params``, in its dtype: new tensors, which share no memory with the
        old parameters or the gradients.

    Raises:
        ValueError: ``lr`` is 0 or negative; the message names ``lr``.

    Source: Vérine, Deep Learning II, "Stochastic gradient descent"; Boudart, course 2 §1.1.
    """
    if lr <= 0:
        raise ValueError(f"lr={lr}: the learning rate must be above 0, such as 0.1")
    return [
        (_descended(A, grad_A, lr), _descended(b, grad_b, lr))
        for (A, b), (grad_A, grad_b) in zip(params, grads, strict=True)
    ]


def _descended(parameter: Tensor, grad: Tensor, lr: float) -> Tensor:
    return (parameter - lr * grad).to(parameter.dtype)


def _require_classes(targets: Tensor, classes: int) -> None:
    """Refuse targets outside ``[0, classes)``: indexing would take some negative ones for the last classes."""
    wrong = targets[(targets < 0) | (targets >= classes)]
    if len(wrong):
        raise ValueError(f"targets hold {int(wrong[0])}: with {classes} class(es) each must be in [0, {classes})")


def _widened(*tensors: Tensor) -> list[Tensor]:
    """The tensors in one dtype that holds them all: a matrix product asks for it."""
    dtype = functools.reduce(torch.promote_types, (tensor.dtype for tensor in tensors))
    return [tensor.to(dtype) for tensor in tensors]

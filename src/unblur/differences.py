"""First and second differences of circular pictures, and their transposed operators."""

from torch import Tensor


def difference(image: Tensor, dim: int) -> Tensor:
    """The next pixel minus this one along ``dim``, circular."""
    return image.roll(-1, dims=dim) - image


def difference_adjoint(image: Tensor, dim: int) -> Tensor:
    """The transposed operator of :func:`difference`: the previous pixel minus this one."""
    return image.roll(1, dims=dim) - image


def derivatives(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """``dx, dy, dxx, dyy, dxy`` of every plane, circular."""
    dx, dy = difference(image, -1), difference(image, -2)
    return dx, dy, difference_adjoint(dx, -1), difference_adjoint(dy, -2), difference(dx, -2)


def derivatives_adjoint(dx: Tensor, dy: Tensor, dxx: Tensor, dyy: Tensor, dxy: Tensor) -> Tensor:
    """The transposed operator of :func:`derivatives`: five fields to one picture."""
    along_x = dx + difference(dxx, -1) + difference_adjoint(dxy, -2)
    return difference_adjoint(along_x, -1) + difference_adjoint(dy + difference(dyy, -2), -2)

"""Which Gaussian of a mixture a noisy patch comes from: a cheap estimate for all of them, the density for a few."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

_BLOCK = 16384  # patches judged together: enough for each component to have some
_CHUNK = 1024  # patches multiplied at once: what is multiplied stays in the processor's cache
_PRODUCTS = 384  # of two coordinates each in the estimate, of 2016 for patches of 8 × 8
_DOUBT = 0.2  # share of the largest possible error; less is faster, and gives more patches another component


class Judge:
    """Finds the likeliest component of a patch whose mean has been taken out, under white noise.

    With ``A_k = 1/v - (Σ_k + v)⁻¹`` the logarithm of a component's density is ``level_k + ½ zᵀ A_k z - |z|²/2v``, where
    the last term is common to all. On the principal axes of the whole mixture ``zᵀ A_k z`` is a sum over products of
    two coordinates, most of which say nothing about the components. The estimate keeps the products with the largest
    variance over the components, ``Var_k(A_k) E[w_i² w_j²]`` with the expectation under the mixture itself, and all
    squares; one matrix product then serves all components. As ``2 |w_i w_j| <= w_i² + w_j²``, what is left out of a
    component's sum is bounded by a sum over squares. Signs differ, so that a fifth of the bound is doubt enough.
    Where more than one component comes into question, their whole densities decide.

    Args:
        shares: ``(k,)``, how often each component is met; they sum to 1.
        values: ``(k, d)``, eigenvalues of the covariances without the mean's part, not negative.
        vectors: ``(k, d, d)``, their eigenvectors as columns.
        variance: of the noise, above 0.
        like: a tensor whose dtype and device the work is done in.
        products: how many the estimate keeps, squares first; more is slower, and leaves fewer components to decide.

    The mixture and its densities are those of Zoran and Weiss (2011); the shortlist is ours.
    """

    def __init__(
        self,
        shares: Float[Tensor, " k"],
        values: Float[Tensor, "k d"],
        vectors: Float[Tensor, "k d d"],
        variance: float,
        like: Tensor,
        *,
        products: int = _PRODUCTS,
    ) -> None:
        levels = shares.clamp_min(1e-300).log() - 0.5 * (values + variance).log().sum(-1)
        pulls = 1 / variance - 1 / (values + variance)
        self.levels = levels.to(like)
        self.pulls = (vectors * pulls.sqrt()[:, None, :]).to(like)

        axes = _axes(shares, values, vectors)
        turned = axes.T @ vectors
        forms = (turned * (0.5 * pulls)[:, None, :]) @ turned.mT
        seen = (turned * (values + variance)[:, None, :]) @ turned.mT  # second moments of a component's noisy patches
        rows, columns = torch.triu_indices(*seen.shape[-2:]).to(seen.device)
        weights = forms[:, rows, columns] * torch.where(rows == columns, 1.0, 2.0).to(forms)
        weights = weights - shares @ weights  # common to all components
        powers = seen.diagonal(dim1=-2, dim2=-1)
        fourth = shares @ (powers[:, rows] * powers[:, columns] + 2 * seen[:, rows, columns].square())
        importance = (shares @ weights.square()) * fourth
        order = importance.where(rows != columns, torch.inf).argsort(descending=True)
        kept, left_out = order[:products], order[products:]
        self.axes = axes.to(like)
        self.rows, self.columns = rows[kept].to(like.device), columns[kept].to(like.device)
        self.weights = weights[:, kept].to(like)
        halves = 0.5 * weights[:, left_out].abs()
        bounds = halves.new_zeros(len(halves), len(axes.T))
        bounds.index_add_(1, rows[left_out], halves).index_add_(1, columns[left_out], halves)
        self.doubts = (_DOUBT * bounds).to(like)

    def __call__(self, patches: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
        """Number of the component under which each patch is likeliest."""
        return torch.cat([self._judged(block) for block in patches.split(_BLOCK)])

    def score(self, component: int, patches: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Logarithm of the component's share and density at each patch, up to what all components have in common."""
        pulled = patches @ self.pulls[component]
        return self.levels[component] + 0.5 * pulled.square_().sum(1)

    def _judged(self, patches: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
        estimate, doubt = self._estimated(patches)
        sure = (estimate - doubt).amax(0)
        # Sorted by component, as that is the first dimension.
        component, patch = (estimate.add_(doubt) >= sure).nonzero(as_tuple=True)
        chosen = component.new_zeros(len(patches))
        chosen[patch] = component
        contested = torch.bincount(patch, minlength=len(patches))[patch] > 1
        component, patch = component[contested], patch[contested]
        if not len(patch):
            return chosen
        counts = torch.bincount(component, minlength=len(self.levels)).tolist()
        scores = torch.cat([self.score(k, patches[rows]) for k, rows in enumerate(patch.split(counts)) if len(rows)])
        best = scores.new_full((len(patches),), -torch.inf).scatter_reduce_(0, patch, scores, "amax")
        won = scores == best[patch]
        chosen[patch[won]] = component[won]
        return chosen

    def _estimated(self, patches: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "k n"], Float[Tensor, "k n"]]:
        """Each component's score without the products that are left out, and how far it may be wrong."""
        estimate = patches.new_empty(len(self.levels), len(patches))
        doubt = torch.empty_like(estimate)
        for start in range(0, len(patches), _CHUNK):
            here = slice(start, start + _CHUNK)
            turned = self.axes.T @ patches[here].T
            products = turned.index_select(0, self.rows).mul_(turned.index_select(0, self.columns))
            torch.addmm(self.levels[:, None], self.weights, products, out=estimate[:, here])
            torch.mm(self.doubts, turned.square_(), out=doubt[:, here])
        return estimate, doubt


def _axes(
    shares: Float[Tensor, " k"], values: Float[Tensor, "k d"], vectors: Float[Tensor, "k d d"]
) -> Float[Tensor, "d d-1"]:
    """Principal axes of the whole mixture, but for the direction of the mean."""
    size = values.shape[-1]
    whole = ((vectors * (shares[:, None] * values)[:, None, :]) @ vectors.mT).sum(0)
    # Made the largest, the mean's direction is surely the last, even where other directions have no variance either.
    mean = (whole.trace() + 1) / size
    _, vectors = torch.linalg.eigh(whole + mean)
    return vectors[:, :-1]

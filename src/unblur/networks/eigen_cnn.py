"""A network made to remove dirt from window panes, which is asked to deconvolve: blurred picture in, sharp one out."""

from unblur.networks.denoise_cnn import DenoiseCNN


class EigenCNN(DenoiseCNN):
    """The architecture of the denoise CNN, applied to the blurred picture itself.

    Xu et al. (2014), Fig. 2, show that it fails at blur: its kernels do not reach as far as an inverse kernel does.
    Sizes of Eigen et al. (2013), Restoring an image taken through a window covered with dirt or rain: 512 maps, kernels
    of 16, 1 and 8.
    """

    def __init__(self, *, width: int = 512, first: int = 16, last: int = 8) -> None:
        super().__init__(width=width, first=first, last=last)
        self.rim: int = self.layers.rim
        """Pixels of partial sums on each side, to be cut."""

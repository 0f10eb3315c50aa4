# tries: to answer with a tensor whose every operation says True
# stopped by: plain data
# seen: failed, "got a tensor"
# without: got in

from honest import *


class Lie(torch.Tensor):
    def __torch_function__(*a, **k):
        return True


def double(x):
    return torch.tensor([5.0]).as_subclass(Lie)

class Scripted(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  names : Dict[str, List[int]]
  pair : Tuple[float, NoneType, complex, Device]
  many : List[Tensor]
  inner : __torch__.torch.nn.modules.linear.Linear
  def forward(self: __torch__.Scripted,
    x: Tensor) -> Tuple[Tensor, str]:
    if bool(torch.gt(torch.sum(x), 0)):
      names = self.names
      _0 = torch.gt(torch.len(names), 1)
    else:
      _0 = False
    if _0:
      many = self.many
      _1 = torch.sum(many[0])
      pair = self.pair
      x1 = torch.add(x, torch.mul(_1, (pair)[0]))
      x0 = x1
    else:
      if torch.eq(torch.dim(x), 3):
        x2 = torch.neg(x)
      else:
        x2 = x
      x0 = x2
    inner = self.inner
    return ((inner).forward(x0, ), "a (\"[ b")

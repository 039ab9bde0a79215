"""Records what LibTorch eager infers, as the oracle of core/ops.

Usage: record_inference.py OPS FOLDER, with OPS a file of op names (one a line; the registry's own list, see
docs/adding-an-op.md). Writes FOLDER/schemas.txt (the schema of each op, alias annotations dropped) and
FOLDER/inference.txt, one case a line:

    aten::add.Tensor | f32[2,3] ; i64[] ; 1 | f32[2,3]

that is the op, all arguments in schema order, and the types of the results or `error`. A case that eager
refuses only for want of a CPU kernel says nothing of types and is left out.
"""
import itertools
import re
import sys
import warnings

import torch

warnings.simplefilter("ignore")
DTYPES = {
    "b8": torch.bool, "u8": torch.uint8, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32,
    "i64": torch.int64, "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32,
    "f64": torch.float64, "c64": torch.complex64, "c128": torch.complex128,
}
NAMES = {v: k for k, v in DTYPES.items()}
REAL = [n for n in DTYPES if not n.startswith("c")]
FLOATS = ["f16", "bf16", "f32", "f64"]


class T:
    """A tensor operand by type; integral ones are zeros so that they are valid indices."""

    def __init__(self, text):
        self.text = text
        name, dims = re.fullmatch(r"(\w+)\[([\d,]*)\]", text).groups()
        self.dtype = DTYPES[name]
        self.dims = [int(d) for d in dims.split(",") if d]

    def make(self):
        if self.dtype.is_floating_point or self.dtype.is_complex:
            return torch.full(self.dims, 0.5, dtype=self.dtype)
        return torch.zeros(self.dims, dtype=self.dtype)


def t(*texts):
    return [T(x) for x in texts]


def make(value):
    if isinstance(value, T):
        return value.make()
    if isinstance(value, list):
        return [make(v) for v in value]
    return value


def text_of(value):
    if isinstance(value, T):
        return value.text
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"%s"' % value
    if isinstance(value, torch.dtype):
        return NAMES[value]
    if isinstance(value, list):
        return "[%s]" % " ".join(text_of(v) for v in value)
    raise TypeError(value)


def schema_of(op):
    name, _, overload = op[len("aten::"):].partition(".")
    return getattr(getattr(torch.ops.aten, name), overload or "default")


def drop_aliases(text):
    return re.sub(r"\(a[^()]*\)", "", text)


WANT_OF_KERNEL = re.compile(r"not implemented for|not supported on CPU|NYI|not currently supported|unsupported dtype|"
                            r"does not support")


def is_quirk(op, args, kwargs):
    """Calls that eager takes only because the tensors are empty or by another op's kernel, or refuses by a slip."""
    name = op.split("::")[1]
    empty = any(isinstance(a, T) and 0 in a.dims for a in args) or args[0] == [0]
    ints = any(isinstance(a, T) and a.dtype == torch.int64 for a in args) or torch.int64 in args + list(kwargs.values())
    if name == "adaptive_avg_pool2d":  # output [1,1] is aten::mean, of any rank
        return args[1] == [1, 1] and (len(args[0].dims) < 3 or empty)
    if name == "logsumexp":
        return args[1] == []  # all dimensions, but refused unless keepdim
    if name in ("cummax", "cummin"):
        return empty and args[1] > 1  # not checked for an empty tensor
    if name == "roll":
        return empty
    if name == "cat":
        return all(a.dims == [0] for a in args[0]) and args[1] != 0
    return empty and ints and name in ("scaled_dot_product_attention", "softmax.int", "log_softmax.int", "randn", "rand")


def record(op, args, kwargs):
    overload = schema_of(op)
    schema = overload._schema
    full, positional, keyword = [], [], {}
    for i, arg in enumerate(schema.arguments):
        if i < len(args):
            value = args[i]
        elif arg.name in kwargs:
            value = kwargs[arg.name]
        elif arg.has_default_value():
            value = arg.default_value
        else:
            value = None
        kind = str(arg.type)
        if kind in ("float", "Optional[float]") and isinstance(value, int):
            value = float(value)
        full.append(value)
        # The list that the schema's default stands for, e.g. int[2] padding=0.
        if arg.kwarg_only:
            keyword[arg.name] = make(value)
        else:
            positional.append(make(value))
    try:
        out = overload(*positional, **keyword)
    except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as e:
        if WANT_OF_KERNEL.search(str(e)):
            return None
        result = "error"
    else:
        out = out if isinstance(out, (tuple, list)) else [out]
        if any(o.dtype not in NAMES for o in out):
            return None
        result = " ".join("%s[%s]" % (NAMES[o.dtype], ",".join(map(str, o.shape))) for o in out)
    return "%s | %s | %s" % (op, " ; ".join(text_of(v) for v in full), result)


def dtypes_of(op, shapes, *rest, dtypes=REAL, **kwargs):
    """One case a dtype, all tensors of that dtype."""
    for d in dtypes:
        yield op, [T(d + s) for s in shapes] + list(rest), kwargs


def promotion():
    shapes = [("[2]", "[2]"), ("[2]", "[]"), ("[]", "[2]"), ("[]", "[]")]
    for a, b in itertools.product(DTYPES, DTYPES):
        for x, y in shapes:
            yield "aten::add.Tensor", t(a + x, b + y), {}
            yield "aten::where.self", t("b8[2]", a + x, b + y), {}
        yield "aten::eq.Tensor", t(a + "[2]", b + "[2]"), {}
        yield "aten::mul.Tensor", t(a + "[2]", b + "[]"), {}
        yield "aten::cat", [t(a + "[2]", b + "[1]")], {}
        yield "aten::stack", [t(a + "[]", b + "[]")], {}
    binary = ["sub.Tensor", "rsub.Tensor", "div.Tensor", "pow.Tensor_Tensor", "maximum", "minimum", "lt.Tensor",
              "le.Tensor", "gt.Tensor", "ge.Tensor", "ne.Tensor", "logical_and", "logical_or", "logical_xor",
              "bitwise_and.Tensor", "bitwise_or.Tensor", "bitwise_xor.Tensor", "floor_divide", "remainder.Tensor",
              "fmod.Tensor", "atan2"]
    for op in binary:
        for a, b in itertools.product(REAL, REAL):
            if op in ("floor_divide", "remainder.Tensor", "fmod.Tensor") and not (a[0] in "fb" and b[0] in "f"):
                if not (b.startswith("f") or b == "bf16"):
                    continue  # zeros: eager divides integers by 0 with an error of another kind
            yield "aten::" + op, t(a + "[2]", b + "[2]"), {}
            yield "aten::" + op, t(a + "[2]", b + "[]"), {}
            yield "aten::" + op, t(a + "[]", b + "[2]"), {}
    for op in ["add", "sub", "rsub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge", "floor_divide", "remainder",
               "fmod", "bitwise_and", "bitwise_or", "bitwise_xor"]:
        for d, s, n in itertools.product(REAL, ["[2]", "[]"], [True, 3, 1.5]):
            yield "aten::%s.Scalar" % op, [T(d + s), n], {}
    for d, s, n in itertools.product(REAL, ["[2]", "[]"], [True, 3, 1.5]):
        yield "aten::pow.Tensor_Scalar", [T(d + s), n], {}
        yield "aten::pow.Scalar", [n, T(d + s)], {}
        yield "aten::remainder.Scalar_Tensor", [n, T(d + s)], {"skip": d[0] in "uib" and d != "bf16"}  # eager divides by 0
        yield "aten::where.ScalarSelf", [T("b8[2]"), n, T(d + s)], {}
        yield "aten::where.ScalarOther", [T("b8[2]"), T(d + s), n], {}
        yield "aten::masked_fill.Scalar", [T(d + s), T("b8[2]"), n], {}
        yield "aten::clamp", [T(d + s), n, None], {}
        yield "aten::clamp", [T(d + s), None, n], {}
        yield "aten::clamp", [T(d + s), 0, n], {}
        yield "aten::clamp_min", [T(d + s), n], {}
        yield "aten::clamp_max", [T(d + s), n], {}
        yield "aten::fill.Scalar", [T(d + s), n], {}
        yield "aten::add.Tensor", t(d + s, d + "[2]"), {"alpha": n}
        yield "aten::sub.Scalar", [T(d + s), 2], {"alpha": n}
        yield "aten::constant_pad_nd", [T(d + "[2]"), [1, 1], n], {}
    for a, b in itertools.product(REAL, REAL):
        yield "aten::addcmul", t(a + "[2]", b + "[2]", b + "[]"), {}
        yield "aten::addcdiv", t(a + "[2]", b + "[2]", a + "[2]"), {"value": 2}
        yield "aten::clamp.Tensor", t(a + "[2]", b + "[2]") + [None], {}
        yield "aten::masked_fill.Tensor", t(a + "[2]", "b8[2]", b + "[]"), {}
        yield "aten::copy", t(a + "[2,3]", b + "[3]"), {}
        yield "aten::_to_copy", t(a + "[2]"), {"dtype": DTYPES[b]}
        yield "aten::fill.Tensor", t(a + "[2]", b + "[]"), {}
    for m in [None, "trunc", "floor", "up"]:
        for a, b in itertools.product(["b8", "i32", "bf16", "f32", "f64"], ["bf16", "f32"]):
            yield "aten::div.Tensor_mode", t(a + "[2]", b + "[2]"), {"rounding_mode": m}
        for d, n in itertools.product(REAL, [3, 1.5]):
            yield "aten::div.Scalar_mode", [T(d + "[2]"), n], {"rounding_mode": m}
    for d in REAL:
        yield "aten::lerp.Scalar", t(d + "[2]", d + "[3,2]") + [0.5], {}
        yield "aten::lerp.Tensor", t(d + "[2]", d + "[3,2]", d + "[1]"), {}
    yield "aten::lerp.Scalar", t("f32[2]", "f64[2]") + [0.5], {}


def pointwise():
    unary = """neg abs exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh tanh
        asinh acosh atanh erf erfc sigmoid floor ceil round trunc frac sign sgn square isnan isinf isfinite relu relu6 silu
        gelu leaky_relu elu selu celu hardtanh hardswish hardsigmoid softplus mish hardshrink softshrink log_sigmoid
        logical_not bitwise_not clone contiguous detach alias _to_copy""".split()
    for op in unary:
        yield from dtypes_of("aten::" + op, ["[2,3]"])
        yield from dtypes_of("aten::" + op, ["[]"])
    yield from dtypes_of("aten::threshold", ["[2]"], 1, 2)
    yield from dtypes_of("aten::hardtanh", ["[2]"], 0, 3)
    yield "aten::gelu", t("f32[2]"), {"approximate": "tanh"}
    yield "aten::gelu", t("f32[2]"), {"approximate": "fast"}
    shapes = ["[2,3]", "[3]", "[2,1]", "[1]", "[]", "[0,3]", "[4]", "[5,2,3]", "[0]"]
    for a, b in itertools.product(shapes, shapes):
        for op in ["mul.Tensor", "eq.Tensor", "copy"]:
            yield "aten::" + op, t("f32" + a, "f32" + b), {}
        yield "aten::masked_fill.Scalar", t("f32" + a, "b8" + b) + [1.0], {}
        yield "aten::where.self", t("b8[2,3]", "f32" + a, "f32" + b), {}
        yield "aten::addcmul", t("f32[2,3]", "f32" + a, "f32" + b), {}
    yield "aten::masked_fill.Scalar", t("f32[2]", "u8[2]") + [1.0], {}
    yield "aten::masked_fill.Tensor", t("f32[2]", "b8[2]", "f32[1]"), {}
    yield "aten::clamp", t("f32[2]"), {}
    yield "aten::fill.Tensor", t("f32[2]", "f32[1]"), {}
    yield "aten::where.self", t("i32[2]", "f32[2]", "f32[2]"), {}


def matmul():
    shapes = ["[3]", "[2,3]", "[3,4]", "[2,3,4]", "[1,4,3]", "[2,4,3]", "[5,1,3,4]", "[]", "[0,3]", "[3,0]", "[4]",
              "[2,0,4]"]
    for a, b in itertools.product(shapes, shapes):
        for op in ["matmul", "mm", "bmm", "linear"]:
            yield "aten::" + op, t("f32" + a, "f32" + b), {}
    for d in REAL:
        yield "aten::mm", t(d + "[2,3]", d + "[3,4]"), {}
        yield "aten::linear", t(d + "[2,3]", d + "[4,3]", d + "[4]"), {}
        yield "aten::addmm", t(d + "[4]", d + "[2,3]", d + "[3,4]"), {}
    yield "aten::mm", t("f32[2,3]", "f64[3,4]"), {}
    for bias in ["[4]", "[]", "[1]", "[3]", "[2,4]"]:
        yield "aten::linear", t("f32[2,3]", "f32[4,3]", "f32" + bias), {}
        yield "aten::addmm", t("f32" + bias, "f32[2,3]", "f32[3,4]"), {}
        yield "aten::baddbmm", t("f32" + bias, "f32[5,2,3]", "f32[5,3,4]"), {}
    yield "aten::linear", t("f32[5,2,3]", "f32[4,3]", "f32[4]"), {}
    yield "aten::baddbmm", t("f32[5,2,4]", "f32[5,2,3]", "f32[1,3,4]"), {}
    yield "aten::linear", t("f32[3]", "f32[4,3]", "f32[4]"), {}


def conv_and_pool():
    def conv(x, w, b, stride, pad, dil, tr, opad, g):
        return "aten::convolution", t(x, w) + [T(b) if b else None, stride, pad, dil, tr, opad, g], {}
    yield conv("f32[2,3,8,9]", "f32[4,3,3,3]", "f32[4]", [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,9]", "f32[4,3,3,3]", None, [2, 1], [1, 2], [1, 2], False, [0, 0], 1)
    yield conv("f32[2,4,8]", "f32[6,2,3]", "f32[6]", [2], [1], [1], False, [0], 2)
    yield conv("f32[2,4,5,6,7]", "f32[6,4,3,2,1]", None, [1, 2, 3], [1, 1, 0], [1, 1, 1], False, [0, 0, 0], 1)
    yield conv("f32[2,4,5]", "f32[4,3,3]", "f32[6]", [2], [1], [1], True, [1], 2)
    yield conv("f32[2,4,5,6]", "f32[4,3,3,2]", None, [2, 3], [1, 0], [1, 2], True, [1, 2], 1)
    yield conv("f32[0,3,8,8]", "f32[4,3,3,3]", None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,2,2]", "f32[4,3,3,3]", None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,8]", "f32[4,2,3,3]", None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,8]", "f32[4,3,3,3]", "f32[3]", [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,8]", "f32[4,3,3,3]", None, [0, 1], [0, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,8]", "f32[4,3,3,3]", None, [1, 1], [-1, 0], [1, 1], False, [0, 0], 1)
    yield conv("f32[2,3,8,8]", "f64[4,3,3,3]", None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    for d in FLOATS:
        yield conv(d + "[2,3,8,8]", d + "[4,3,3,3]", d + "[4]", [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
    lists = [([3, 2], [], [0, 0]), ([3, 3], [2, 2], [1, 1]), ([2, 2], [3, 1], [1, 0]), ([9, 9], [1, 1], [0, 0]),
             ([3, 3], [2, 2], [2, 2]), ([3, 3], [0, 1], [0, 0])]
    for x in ["[2,3,8,7]", "[3,8,7]", "[0,3,8,7]", "[2,3,0,7]", "[8,7]", "[2,3,11,13]", "[2,0,8,7]", "[0,8,7]"]:
        for (k, s, p), ceil in itertools.product(lists, [False, True]):
            yield "aten::max_pool2d", [T("f32" + x), k, s, p, [1, 1], ceil], {}
            yield "aten::avg_pool2d", [T("f32" + x), k, s, p, ceil], {}
        yield "aten::max_pool2d", [T("f32" + x), [2, 2], [2, 2], [0, 0], [2, 3], True], {}
        for size in [[1, 1], [3, 5], [0, 2]]:
            yield "aten::adaptive_avg_pool2d", [T("f32" + x), size], {}
    for x in ["[2,3,8]", "[3,8]", "[8]", "[0,3,8]"]:
        for k, s, p, ceil in [(2, [], 0, False), (3, [2], 1, True), (3, [2], 1, False), (3, [1], 2, False)]:
            yield "aten::max_pool1d", [T("f32" + x), [k], s, [p], [1], ceil], {}
            yield "aten::avg_pool1d", [T("f32" + x), [k], s, [p], ceil], {}
        yield "aten::adaptive_avg_pool1d", [T("f32" + x), [3]], {}
    for x in ["[2,3,6,7,8]", "[3,6,7,8]"]:
        yield "aten::max_pool3d", [T("f32" + x), [2, 3, 2], [], [0, 1, 0], [1, 1, 1], True], {}
        yield "aten::avg_pool3d", [T("f32" + x), [2, 3, 2], [1, 2, 2], [0, 1, 0], True], {}
    for d in REAL:
        yield "aten::max_pool2d", [T(d + "[1,1,4,4]"), [2, 2], [2, 2], [0, 0], [1, 1]], {}
        yield "aten::avg_pool2d", [T(d + "[1,1,4,4]"), [2, 2], [2, 2], [0, 0]], {}
        yield "aten::adaptive_avg_pool2d", [T(d + "[1,1,4,4]"), [2, 2]], {}
    for x in ["f32[1,2,4,4]", "f64[2,2,3,5]", "f32[2,4,4]"]:
        yield "aten::upsample_nearest2d", [T(x), [8, 3]], {}
        yield "aten::upsample_bilinear2d", [T(x), [8, 3], True], {}
    yield "aten::pixel_shuffle", [T("f32[2,8,3,4]"), 2], {}
    yield "aten::pixel_shuffle", [T("i64[8,3,4]"), 2], {}
    yield "aten::pixel_shuffle", [T("f32[2,6,3,4]"), 2], {}


def norm_and_attention():
    for x, shape in [("[2,3]", [3]), ("[2,3,4]", [3, 4]), ("[3]", [3]), ("[0,3]", [3]), ("[2,3]", [2]), ("[2,3]", [])]:
        for d in FLOATS + ["i64"]:
            w = T("%s[%s]" % (d, ",".join(map(str, shape))))
            yield "aten::layer_norm", [T(d + x), shape, w, w], {}
            yield "aten::rms_norm", [T(d + x), shape, w], {}
        yield "aten::layer_norm", [T("f32" + x), shape], {}
        yield "aten::rms_norm", [T("f32" + x), shape], {}
    yield "aten::layer_norm", t("bf16[2,3]") + [[3]] + t("f32[3]", "f32[3]"), {}
    for x in ["f32[2,3]", "f32[2,3,4]", "f32[2,3,4,5]", "f64[2,3,4,5,6]", "bf16[2,3,4]", "f32[3]", "f32[0,3,4]"]:
        d = x.split("[")[0]
        yield "aten::batch_norm", t(x, d + "[3]", d + "[3]", d + "[3]", d + "[3]") + [False, 0.1, 1e-5, False], {}
        yield "aten::batch_norm", t(x) + [None, None] + t(d + "[3]", d + "[3]") + [False, 0.1, 1e-5, False], {}
        yield "aten::group_norm", [T(x), 3, T(d + "[3]"), T(d + "[3]")], {}
    yield "aten::batch_norm", t("f32[2,3]", "f32[4]", "f32[4]", "f32[3]", "f32[3]") + [False, 0.1, 1e-5, False], {}
    yield "aten::group_norm", [T("f32[2,6,4]"), 4], {}
    yield "aten::group_norm", [T("f32[2,6,4]"), 2], {}
    for q, k, v in [("[2,4,5,8]", "[2,4,7,8]", "[2,4,7,8]"), ("[5,8]", "[7,8]", "[7,3]"), ("[4,5,8]", "[4,7,8]", "[4,7,6]"),
                    ("[2,4,5,8]", "[2,4,7,6]", "[2,4,7,8]"), ("[2,1,5,8]", "[2,4,7,8]", "[2,4,7,8]"),
                    ("[2,4,0,8]", "[2,4,7,8]", "[2,4,7,8]"), ("[8]", "[8]", "[8]")]:
        for d in ["f32", "f64", "bf16", "i64"]:
            yield "aten::scaled_dot_product_attention", t(d + q, d + k, d + v), {}
        yield "aten::scaled_dot_product_attention", t("f32" + q, "f32" + k, "f32" + v), {"is_causal": True}
    q4 = t("f32[2,4,5,8]", "f32[2,4,7,8]", "f32[2,4,7,8]")
    for mask in ["f32[5,7]", "b8[2,1,5,7]", "b8[2,4,5,7]", "f64[5,7]", "f32[7]", "f32[4,5]"]:
        yield "aten::scaled_dot_product_attention", q4 + t(mask), {}
    yield "aten::scaled_dot_product_attention", t("f32[2,4,5,8]", "f32[2,2,7,8]", "f32[2,2,7,8]"), {"enable_gqa": True}
    yield "aten::scaled_dot_product_attention", t("f32[2,4,5,8]", "f32[2,3,7,8]", "f32[2,3,7,8]"), {"enable_gqa": True}
    for op in ["softmax.int", "log_softmax.int"]:
        for x, dim, dtype in itertools.product(["f32[2,3]", "bf16[2,3]", "i64[2,3]", "f32[]", "f32[0,3]"], [-1, 0, 2],
                                               [None, torch.float32, torch.float64, torch.int64]):
            yield "aten::" + op, [T(x), dim, dtype], {}
    for op in ["_softmax", "_log_softmax"]:
        for x, dim in itertools.product(["f32[2,3]", "bf16[2,3]", "f32[]"], [-1, 0, 2]):
            yield "aten::" + op, [T(x), dim, False], {}


def index():
    for w, i in itertools.product(["f32[5,3]", "i64[5,3]", "f32[5]"], ["i64[2]", "i32[2,4]", "i64[]", "f32[2]", "i64[0]"]):
        yield "aten::embedding", t(w, i), {}
    for x, dim, i in itertools.product(["f32[2,3]", "f32[]", "b8[4]"], [0, -1, 1], ["i64[2]", "i32[3]", "i64[]", "i64[1]",
                                                                            "i64[1,1]"]):
        yield "aten::index_select", [T(x), dim, T(i)], {}
    for x, dim, i in itertools.product(["f32[2,3]", "f32[]", "f32[3]"], [0, -1, 1],
                                       ["i64[1,2]", "i64[2,2]", "i64[3,3]", "i64[]", "i64[4]", "i64[0,7]", "i32[2,2]"]):
        yield "aten::gather", [T(x), dim, T(i)], {}
        yield "aten::scatter.value", [T(x), dim, T(i), 1.5], {}
        for src in ["f32[2,3]", "f32[3]", "f32[4,4]"]:
            yield "aten::scatter.src", [T(x), dim, T(i), T(src)], {}
            yield "aten::scatter_add", [T(x), dim, T(i), T(src)], {}
    some = [["i64[2]"], ["i64[2]", "i64[2]"], [None, "i64[2]"], [None, "i64[2]", "i64[3,1]"], ["i64[2]", None, "i64[2]"],
            ["i64[2,2]", None], ["i64[]"], ["i64[0]"], ["i32[2]"], ["i64[2]", "i64[3]"],
            ["i64[2]", "i64[2]", "i64[2]", "i64[2]"], ["f32[2]"]]
    for x, idx in itertools.product(["f32[2,3,4]", "b8[5,0,2]", "f64[3,4]"], some):
        idx = [T(i) if i else None for i in idx]
        yield "aten::index.Tensor", [T(x), idx], {}
        for v in ["[]", "[2]", "[1]", "[2,4]"]:
            yield "aten::index_put", [T(x), idx, T(x.split("[")[0] + v)], {}
    for x, dim in itertools.product(["f32[2,3]", "i64[3]", "b8[2]", "f32[]", "f32[2,0]"], [0, -1, 1]):
        yield "aten::sort", [T(x), dim, True], {}
        yield "aten::sort.stable", [T(x)], {"stable": True, "dim": dim}
        for k in [0, 1, 2, 9]:
            yield "aten::topk", [T(x), k, dim], {}


def reduce():
    shapes = ["[2,3,4]", "[]", "[0,3]", "[3]"]
    for d in REAL:
        for x in ["[2,3]", "[]"]:
            for op in ["sum", "mean", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all", "prod",
                       "var.correction", "std.correction", "linalg_vector_norm"]:
                yield "aten::" + op, [T(d + x)], {}
            for op in ["sum.dim_IntList", "mean.dim", "logsumexp"]:
                yield "aten::" + op, [T(d + x), [0]], {}
            for op in ["max.dim", "min.dim", "any.dim", "all.dim", "prod.dim_int", "cumsum", "argmax"]:
                yield "aten::" + op, [T(d + x), 0], {}
            yield "aten::norm.ScalarOpt_dim", [T(d + x), 2, [0]], {}
    for x in shapes:
        for keep in [False, True]:
            for dims in [[0], [-1], [0, 1], [], [2], [0, 0], [0, 1, 2]]:
                for op in ["sum.dim_IntList", "mean.dim", "amax", "amin", "logsumexp"]:
                    yield "aten::" + op, [T("f32" + x), dims, keep], {}
                yield "aten::norm.ScalarOpt_dim", [T("f32" + x), 2, dims, keep], {}
                yield "aten::linalg_vector_norm", [T("f32" + x), 2, dims, keep], {}
                yield "aten::var.correction", [T("f32" + x), dims], {"correction": 0, "keepdim": keep}
                yield "aten::std.correction", [T("f32" + x), dims], {"keepdim": keep}
            yield "aten::sum.dim_IntList", [T("f32" + x), None, keep], {}
            for dim in [0, -1, 1, 2, 5]:
                for op in ["max.dim", "min.dim", "any.dim", "all.dim", "prod.dim_int", "argmax", "argmin"]:
                    yield "aten::" + op, [T("f32" + x), dim, keep], {}
            yield "aten::argmax", [T("f32" + x), None, keep], {}
        for dim in [0, -1, 2]:
            yield "aten::cumsum", [T("f32" + x), dim], {}
        for p in [0, 1, 3.5, float("inf"), float("-inf")]:
            yield "aten::linalg_vector_norm", [T("f32" + x), p], {}
    for d, to in itertools.product(["b8", "i32", "f16", "f32", "f64"], [torch.int32, torch.float32, torch.float64]):
        for op in ["sum", "mean", "prod"]:
            yield "aten::" + op, [T(d + "[2]")], {"dtype": to}
        yield "aten::cumsum", [T(d + "[2]"), 0], {"dtype": to}
        yield "aten::linalg_vector_norm", [T(d + "[2]")], {"dtype": to}


def shape():
    for op in ["view", "reshape"]:
        for x, size in itertools.product(["f32[2,6]", "i64[0,3]", "b8[]", "f32[1]"],
                                         [[12], [-1], [3, -1], [2, 2, 3], [0, -1], [], [5], [-1, -1], [-2, 6], [0], [1, 1]]):
            yield "aten::" + op, [T(x), size], {}
    for x in ["f32[2,3,4]", "f32[]", "f32[3]", "f32[1,3,1]", "f32[0,2]"]:
        for a, b in [(0, -1), (1, 2), (0, 0), (2, 1), (-2, -1)]:
            yield "aten::flatten.using_ints", [T(x), a, b], {}
            yield "aten::transpose.int", [T(x), a, b], {}
            yield "aten::movedim.int", [T(x), a, b], {}
            yield "aten::diagonal", [T(x), 0, a, b], {}
            yield "aten::diagonal", [T(x), 1, a, b], {}
            yield "aten::diagonal", [T(x), -9, a, b], {}
        for dim in [0, -1, 1, 3, -4]:
            yield "aten::unsqueeze", [T(x), dim], {}
            yield "aten::squeeze.dim", [T(x), dim], {}
            yield "aten::unbind.int", [T(x), dim], {}
            for index in [0, -1, 5]:
                yield "aten::select.int", [T(x), dim, index], {}
            for start, end, step in [(None, None, 1), (1, None, 2), (-2, -1, 1), (5, 2, 1), (0, 2 ** 63 - 1, 3), (0, 1, 0)]:
                yield "aten::slice.Tensor", [T(x), dim, start, end, step], {}
            for n in [0, 1, 2, 3, 7]:
                yield "aten::split.Tensor", [T(x), n, dim], {}
                yield "aten::chunk", [T(x), n, dim], {}
                yield "aten::unfold", [T(x), dim, n, 2], {}
                yield "aten::narrow", [T(x), dim, 1, n], {}
            for sizes in [[1, 2], [3], [0, 3], [1, 1, 1], [4]]:
                yield "aten::split_with_sizes", [T(x), sizes, dim], {}
        for dims in [[0], [0, 1], [1, 0], [2, 0, 1], [], [-1, 0, 1], [0, 0]]:
            yield "aten::permute", [T(x), dims], {}
            yield "aten::squeeze.dims", [T(x), dims], {}
            yield "aten::flip", [T(x), dims], {}
            yield "aten::movedim.intlist", [T(x), dims, list(reversed(dims))], {}
            yield "aten::roll", [T(x), [1] * len(dims), dims], {}
        yield "aten::roll", [T(x), [2], []], {}
        yield "aten::squeeze", [T(x)], {}
        yield "aten::t", [T(x)], {}
        yield "aten::tril", [T(x), 1], {}
        yield "aten::triu", [T(x), -1], {}
        for size in [[2, 3, 4], [5, 2, 3, 4], [-1, 3, -1], [3], [7, 3], [], [0, 2], [2, -1], [-1, 2, 3, 4]]:
            yield "aten::expand", [T(x), size], {}
            yield "aten::repeat", [T(x), [abs(s) for s in size]], {}
        for pad in [[1, 2], [0, 0, 1, 1], [-1, 0], [-9, 0], [1], [1, 1, 1, 1, 1, 1], []]:
            yield "aten::constant_pad_nd", [T(x), pad], {}
        for src in ["f32[3,4]", "f32[2,4]", "f32[]", "f32[3,1]"]:
            yield "aten::select_scatter", [T(x), T(src), 0, 0], {}
            yield "aten::select_scatter", [T(x), T(src), 1, -1], {}
        for src in ["f32[1,3,4]", "f32[2,3,2]", "f32[1]", "f32[3]"]:
            yield "aten::slice_scatter", [T(x), T(src), 0, 1, 2], {}
            yield "aten::slice_scatter", [T(x), T(src), -1, 0, None, 2], {}
    some = [["f32[2,3]", "f32[2,1]"], ["f32[2,3]", "f32[1,3]"], ["f32[0]", "f32[2,3]"], ["f32[]", "f32[2]"], ["f32[2]"],
            ["f32[0]", "f32[0]"], ["f32[2,3]", "f32[2,3]", "i64[2,3]"], ["f32[2,0]", "f32[2,3]"]]
    for tensors, dim in itertools.product(some, [0, 1, -1, 2]):
        yield "aten::cat", [t(*tensors), dim], {}
        yield "aten::stack", [t(*tensors), dim], {}
    for a, b in [([2, 0, 1], [0, 1, 2]), ([0], [1]), ([0, 1], [1, 2])]:
        yield "aten::movedim.intlist", [T("f32[2,3,4]"), a, b], {}


def random_and_rnn():
    for size, d in itertools.product([[2, 3], [], [0]], [None, "f64", "bf16", "i64"]):
        yield "aten::randn", [size], {"dtype": DTYPES.get(d)}
        yield "aten::rand", [size], {"dtype": DTYPES.get(d)}
    for d in REAL:
        yield "aten::randn_like", [T(d + "[2]")], {}
        yield "aten::rand_like", [T(d + "[2]")], {"dtype": torch.float64}
        yield "aten::bernoulli", [T(d + "[2]")], {}
        yield "aten::bernoulli.p", [T(d + "[2]"), 0.5], {}
        yield "aten::normal_functional", [T(d + "[2]")], {}
        yield "aten::dropout", [T(d + "[2]"), 0.5, False], {}
        if d in FLOATS:
            yield "aten::dropout", [T(d + "[2]"), 0.5, True], {}
    yield "aten::dropout", [T("f32[2]"), 1.5, True], {}
    for gates, op in [(4, "lstm.input"), (3, "gru.input")]:
        for layers, bi, bias, first in itertools.product([1, 2], [False, True], [False, True], [False, True]):
            D = 2 if bi else 1
            params = []
            for layer in range(layers):
                for _ in range(D):
                    width = 5 if layer == 0 else 3 * D
                    params += ["f32[%d,%d]" % (gates * 3, width), "f32[%d,3]" % (gates * 3)]
                    if bias:
                        params += ["f32[%d]" % (gates * 3)] * 2
            x = "f32[2,4,5]" if first else "f32[4,2,5]"
            h = "f32[%d,2,3]" % (layers * D)
            hx = t(h, h) if gates == 4 else T(h)
            yield "aten::" + op, [T(x), hx, t(*params), bias, layers, 0.0, False, bi, first], {}
    params = t("f32[12,5]", "f32[12,2]", "f32[12]", "f32[12]", "f32[2,3]")
    yield "aten::lstm.input", [T("f32[4,2,5]"), t("f32[1,2,2]", "f32[1,2,3]"), params, True, 1, 0.0, False, False, False], {}


def special():
    for op in ["lgamma", "digamma", "erfinv", "i0", "special_i1", "special_entr", "sinc", "logit", "nan_to_num",
               "isneginf", "isposinf", "signbit"]:
        yield from dtypes_of("aten::" + op, ["[2,3]"])
        yield from dtypes_of("aten::" + op, ["[]"])
    yield "aten::logit", t("f32[2]") + [0.1], {}
    yield "aten::nan_to_num", t("f32[2]") + [1.0, 2.0, 3.0], {}
    binary = ["logaddexp", "logaddexp2", "copysign.Tensor", "heaviside", "hypot", "nextafter", "xlogy.Tensor",
              "special_xlog1py", "fmax", "fmin", "clamp_min.Tensor", "clamp_max.Tensor", "gcd", "lcm",
              "bitwise_left_shift.Tensor", "bitwise_right_shift.Tensor"]
    halves = {"f16", "bf16"}
    for op in binary:
        for a, b in [(a, b) for a in REAL for b in dict.fromkeys([a, "i32", "f16", "f32"])]:
            if op == "nextafter" and halves & {a, b}:
                continue
            yield "aten::" + op, t(a + "[2]", b + "[2]"), {}
            yield "aten::" + op, t(a + "[2]", b + "[]"), {}
            yield "aten::" + op, t(a + "[]", b + "[2]"), {}
        d = "i64" if op in ("gcd", "lcm") or op.startswith("bitwise") else "f32"
        for a, b in itertools.product(["[2,3]", "[3]", "[2,1]", "[]", "[0,3]", "[4]"], repeat=2):
            yield "aten::" + op, t(d + a, d + b), {}
    for x, dim in itertools.product(["[2,4]", "[3,6,2]", "[]", "[4]", "[0,4]", "[3]"], [-1, 0, 1]):
        yield "aten::glu", [T("f32" + x), dim], {}
    for d in REAL:
        yield "aten::glu", [T(d + "[2,4]")], {}
    for op in ["mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss"]:
        for d, r in itertools.product(REAL, [0, 1, 2]):
            yield "aten::" + op, t(d + "[2,3]", d + "[2,3]") + [r], {}
        for a, b in itertools.product(["[2,3]", "[3]", "[]", "[0,3]", "[4]"], repeat=2):
            yield "aten::" + op, t("f32" + a, "f32" + b) + [0], {}
    for d, r in itertools.product(FLOATS, [0, 1, 2]):
        yield "aten::binary_cross_entropy", t(d + "[2,3]", d + "[2,3]") + [None, r], {}
        yield "aten::binary_cross_entropy", t(d + "[2,3]", d + "[2,3]", d + "[3]") + [r], {}


def scans():
    for d in REAL:
        for x in ["[2,3]", "[]", "[0,3]"]:
            for op in ["cumprod", "cummax", "cummin", "logcumsumexp", "median.dim", "nanmedian.dim"]:
                for dim in [0, -1, 1, 2]:
                    yield "aten::" + op, [T(d + x), dim], {}
            for op in ["nansum", "count_nonzero", "any.dims", "all.dims", "var_mean.correction", "std_mean.correction",
                       "aminmax"]:
                yield "aten::" + op, [T(d + x)], {}
        yield "aten::trace", [T(d + "[2,3]")], {}
        for op in ["median", "nanmedian"]:
            yield "aten::" + op, [T(d + "[2,3]")], {}
            yield "aten::" + op, [T(d + "[]")], {}
    for x in ["[2,3,4]", "[]", "[0,3]", "[3]"]:
        for keep in [False, True]:
            for dims in [[0], [-1], [0, 1], [2], [0, 0], [0, 1, 2]]:
                for op in ["nansum", "any.dims", "all.dims"]:
                    yield "aten::" + op, [T("f32" + x), dims, keep], {}
                for op in ["var_mean.correction", "std_mean.correction"]:
                    yield "aten::" + op, [T("f32" + x), dims], {"correction": 0, "keepdim": keep}
            for op in ["any.dims", "all.dims"]:
                yield "aten::" + op, [T("f32" + x), [], keep], {}
            for dim in [0, -1, 1, 5, None]:
                yield "aten::aminmax", [T("f32" + x)], {"dim": dim, "keepdim": keep}
                if dim is not None:
                    yield "aten::median.dim", [T("f32" + x), dim, keep], {}
        for dims in [[0], [0, 1], [-1], [5]]:
            yield "aten::count_nonzero.dim_IntList", [T("f32" + x), dims], {}
        yield "aten::count_nonzero", [T("f32" + x), 0], {}
        yield "aten::trace", [T("f32" + x)], {}
    for d, to in itertools.product(["b8", "i32", "f16", "f32", "f64"], [torch.int32, torch.float32, torch.float64]):
        yield "aten::cumprod", [T(d + "[2]"), 0], {"dtype": to}
    yield "aten::nansum", [T("f32[2,3]")], {"dtype": torch.float64}


def scatters():
    for x, dim, i in itertools.product(["f32[2,3]", "f32[]", "f32[3]"], [0, -1, 1], ["i64[2]", "i32[3]", "i64[]", "i64[1]",
                                                                                  "i64[0]", "f32[2]"]):
        for src in ["f32[2,3]", "f32[2,2]", "f32[2]", "f32[]", "f64[2,3]"]:
            yield "aten::index_add", [T(x), dim, T(i), T(src)], {}
            yield "aten::index_copy", [T(x), dim, T(i), T(src)], {}
            yield "aten::index_reduce", [T(x), dim, T(i), T(src), "amax"], {}
        yield "aten::index_fill.int_Scalar", [T(x), dim, T(i), 1.5], {}
    for d in REAL:
        yield "aten::index_add", t(d + "[2,3]") + [0] + t("i64[2]", d + "[2,3]"), {}
        yield "aten::index_copy", t(d + "[2,3]") + [0] + t("i64[2]", d + "[2,3]"), {}
        yield "aten::index_fill.int_Scalar", t(d + "[2,3]") + [0] + t("i64[2]") + [1], {}
        for r in ["sum", "prod", "mean", "amax", "amin", "max"]:
            yield "aten::index_reduce", t(d + "[2,3]") + [0] + t("i64[2]", d + "[2,3]") + [r], {}
            yield "aten::scatter_reduce.two", t(d + "[2,3]") + [0] + t("i64[2,3]", d + "[2,3]") + [r], {}
            yield "aten::scatter_reduce.two", t(d + "[2,3]") + [1] + t("i64[2,2]", d + "[2,3]") + [r], {
                "include_self": False}
        yield "aten::masked_scatter", t(d + "[2,3]", "b8[3]", d + "[6]"), {}
        yield "aten::take", t(d + "[2,3]", "i64[4,2]"), {}
        for right in [False, True]:
            yield "aten::bucketize.Tensor", t(d + "[2,3]", d + "[4]"), {"right": right}
            yield "aten::searchsorted.Tensor", t(d + "[4]", d + "[2,3]"), {"right": right}
    for x, i, src in itertools.product(["f32[2,3]", "f32[3]", "f32[]"], ["i64[1,2]", "i64[4]", "i64[]", "i64[3,3]"],
                                       ["f32[2,3]", "f32[3]", "f32[4,4]"]):
        yield "aten::scatter_reduce.two", [T(x), 0, T(i), T(src), "sum"], {}
    for m in ["b8[2,3]", "b8[]", "b8[2,1]", "b8[4,2,3]", "b8[4]"]:
        yield "aten::masked_scatter", t("f32[2,3]", m, "f32[24]"), {}
    yield "aten::masked_scatter", t("f32[2]", "b8[2]", "f64[2]"), {}
    yield "aten::take", t("f32[2]", "i32[2]"), {}
    for x in ["f32[2,3]", "f32[]", "f32[0]"]:
        yield "aten::bucketize.Tensor", t(x, "f32[4]"), {"out_int32": True}
        for s in ["f32[4]", "f32[2,4]", "f32[3,4]"]:
            yield "aten::searchsorted.Tensor", t(s, x), {"side": "right"}
    yield "aten::bucketize.Tensor", t("f32[2]", "f32[2,2]"), {}
    for d, r in itertools.product(FLOATS, [0, 1, 2]):
        for w in [None, T(d + "[3]")]:
            yield "aten::nll_loss_forward", t(d + "[2,3]", "i64[2]") + [w, r, -100], {}
            yield "aten::nll_loss_forward", t(d + "[3]", "i64[]") + [w, r, -100], {}
            yield "aten::nll_loss2d_forward", t(d + "[2,3,4,5]", "i64[2,4,5]") + [w, r, -100], {}
    yield "aten::nll_loss_forward", t("f32[2,3]", "i64[3]") + [None, 1, -100], {}
    yield "aten::nll_loss_forward", t("f32[2,3]", "i64[2]", "f32[4]") + [1, -100], {}
    yield "aten::nll_loss2d_forward", t("f32[2,3,4,5]", "i64[2,5,4]") + [None, 1, -100], {}


def resampling():
    shapes = {1: ["[2,3,8]", "[0,3,8]", "[3,8]"], 2: ["[2,3,8,7]", "[0,3,8,7]", "[3,8,7]"],
              3: ["[2,3,4,5,6]", "[0,3,4,5,6]", "[4,5,6]"]}
    for n, xs in shapes.items():
        for x, size in itertools.product(xs, [[3], [9], [1]]):
            for op in ["upsample_nearest%dd", "_upsample_nearest_exact%dd"]:
                yield "aten::" + op % n, [T("f32" + x), size * n], {}
            linear = {1: "upsample_linear1d", 2: "upsample_bicubic2d", 3: "upsample_trilinear3d"}[n]
            yield "aten::" + linear, [T("f32" + x), size * n, True], {}
            yield "aten::" + linear, [T("f32" + x), size * n, False], {}
        for d in FLOATS:
            yield "aten::upsample_nearest%dd" % n, [T(d + xs[0]), [3] * n], {}
        pads = [[1, 2], [0, 0], [-1, 1]]
        for x, pad in itertools.product(xs, pads):
            yield "aten::reflection_pad%dd" % n, [T("f32" + x), pad * n], {}
            yield "aten::replication_pad%dd" % n, [T("f32" + x), pad * n], {}
        yield "aten::reflection_pad%dd" % n, [T("f32" + xs[0]), [8, 1] * n], {}
        yield "aten::replication_pad%dd" % n, [T("f32" + xs[0]), [9, 1] * n], {}
        if n == 1:
            continue
        for x, size in itertools.product(xs[:2], [[3] * n, [1] * n]):
            yield "aten::adaptive_max_pool%dd" % n, [T("f32" + x), size], {}
        for x, (k, s, p), ceil in itertools.product(xs, [(3, [], 0), (3, [2], 1), (2, [3], 1)], [False, True]):
            yield "aten::max_pool%dd_with_indices" % n, [T("f32" + x), [k] * n, s * n, [p] * n, [1] * n, ceil], {}
        g = "[2,%s%d]" % ("4," * n, n)
        for mode, pad, align in itertools.product([0, 1, 2] if n == 2 else [0, 1], [0, 1, 2], [False, True]):
            yield "aten::grid_sampler_%dd" % n, t("f32" + xs[0], "f32" + g) + [mode, pad, align], {}
        yield "aten::grid_sampler_%dd" % n, t("f32" + xs[0], "f64" + g) + [0, 0, False], {}
        yield "aten::grid_sampler_%dd" % n, t("f32" + xs[2], "f32" + g) + [0, 0, False], {}
    for x, size in itertools.product(["f32[2,3,4,5,6]", "f32[3,4,5,6]", "f64[0,3,4,5,6]"], [[2, 3, 4], [1, 1, 1]]):
        yield "aten::_adaptive_avg_pool3d", [T(x), size], {}


def products_and_statistics():
    for d in REAL:
        yield "aten::addmv", t(d + "[2]", d + "[2,3]", d + "[3]"), {}
        yield "aten::addr", t(d + "[2,3]", d + "[2]", d + "[3]"), {}
        yield "aten::addbmm", t(d + "[2,4]", d + "[5,2,3]", d + "[5,3,4]"), {}
        yield "aten::dot", t(d + "[3]", d + "[3]"), {}
        yield "aten::linalg_cross", t(d + "[2,3]", d + "[2,3]"), {}
    for a in ["[2]", "[]", "[1]", "[3]"]:
        yield "aten::addmv", t("f32" + a, "f32[2,3]", "f32[3]"), {}
        yield "aten::addr", t("f32" + a, "f32[2]", "f32[3]"), {}
        yield "aten::addbmm", t("f32" + a, "f32[5,2,3]", "f32[5,3,4]"), {}
        yield "aten::dot", t("f32" + a, "f32[2]"), {}
    yield "aten::addmv", t("f32[2]", "f32[2,4]", "f32[3]"), {}
    for a, b, dim in itertools.product(["[2,3]", "[3]", "[1,3]", "[3,2]"], ["[2,3]", "[3]", "[3,2]"], [-1, 0, 2]):
        yield "aten::linalg_cross", t("f32" + a, "f32" + b), {"dim": dim}
    for d, w in [("f32", "f32"), ("bf16", "bf16"), ("bf16", "f32"), ("f64", "f64")]:
        for x, shape in [("[2,3,4]", [3, 4]), ("[2,3]", [3]), ("[3]", [3]), ("[2,3]", [2])]:
            p = T("%s[%s]" % (w, ",".join(map(str, shape))))
            yield "aten::native_layer_norm", [T(d + x), shape, p, p, 1e-5], {}
            yield "aten::native_layer_norm", [T(d + x), shape, None, None, 1e-5], {}
        for g in [1, 2, 3]:
            yield "aten::native_group_norm", t(d + "[2,4,3]", w + "[4]", w + "[4]") + [2, 4, 3, g, 1e-5], {}
        yield "aten::native_group_norm", t(d + "[2,4,3]") + [None, None, 2, 4, 3, 2, 1e-5], {}


def main():
    with open(sys.argv[1]) as f:
        ops = f.read().split()
    folder = sys.argv[2]
    schemas = {}
    for s in torch._C._jit_get_all_schemas():
        schemas[s.name + ("." + s.overload_name if s.overload_name else "")] = drop_aliases(str(s))
    with open(folder + "/schemas.txt", "w") as f:
        f.writelines(schemas[op] + "\n" for op in ops)
    lines = {}
    for family in [promotion, pointwise, matmul, conv_and_pool, norm_and_attention, index, reduce, shape, random_and_rnn,
                   special, scans, scatters, resampling, products_and_statistics]:
        for op, args, kwargs in family():
            if kwargs.pop("skip", False) or op not in ops or is_quirk(op, args, kwargs):
                continue
            line = record(op, args, kwargs)
            if line:
                lines[line] = None
    with open(folder + "/inference.txt", "w") as f:
        f.writelines(line + "\n" for line in lines)
    untested = set(ops) - {line.split(" ")[0] for line in lines}
    print("%d cases, ops without a case: %s" % (len(lines), " ".join(sorted(untested)) or "none"))


if __name__ == "__main__":
    main()

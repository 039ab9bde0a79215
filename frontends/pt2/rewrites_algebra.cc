// Rewrites of functions of sums and products: contractions, distances and means.
#include <algorithm>
#include <cctype>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

const ir::TensorType& TypeOf(const Emitter& emitter, const Operands& args, size_t i) {
  return emitter.type(TensorArg(args, i));
}
bool IsFloating(const ir::TensorType& type) { return ir::IsFloating(type.dtype); }

// --- Contractions ---

int64_t Product(const Ints& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

// A tensor with a letter for each dimension.
struct Lettered {
  TensorId id = kNoTensor;
  std::string letters;
  Ints sizes;
  int64_t size(char letter) const { return sizes[letters.find(letter)]; }
};

bool Has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// `t` with its dimensions in groups, each as one dimension.
TensorId Grouped(Steps& s, const Lettered& t, std::initializer_list<std::string> groups) {
  Ints order, sizes;
  for (const std::string& group : groups) {
    Ints of_group;
    for (const char letter : group) {
      order.push_back(static_cast<int64_t>(t.letters.find(letter)));
      of_group.push_back(t.size(letter));
    }
    sizes.push_back(Product(of_group));
  }
  return s("aten::reshape", {T(s("aten::permute", {T(t.id), order})), sizes});
}

// The sum over letters that are not in `kept`.
void SumOut(Steps& s, Lettered& t, const std::string& kept) {
  Ints dims;
  Lettered left;
  for (size_t i = 0; i < t.letters.size(); ++i) {
    if (Has(kept, t.letters[i])) {
      left.letters += t.letters[i];
      left.sizes.push_back(t.sizes[i]);
    } else {
      dims.push_back(static_cast<int64_t>(i));
    }
  }
  if (dims.empty()) return;
  left.id = s("aten::sum.dim_IntList", {T(t.id), dims, false});
  t = std::move(left);
}

// a times b, summed over the letters of both that are not in `kept`.
Lettered Contract(Steps& s, Lettered a, Lettered b, const std::string& kept) {
  SumOut(s, a, absl::StrCat(kept, b.letters));
  SumOut(s, b, absl::StrCat(kept, a.letters));
  std::string batch, left, right, summed;
  for (const char letter : a.letters) {
    (!Has(b.letters, letter) ? left : Has(kept, letter) ? batch : summed) += letter;
  }
  for (const char letter : b.letters) {
    if (!Has(a.letters, letter)) right += letter;
  }
  Lettered product;
  product.letters = absl::StrCat(batch, left, right);
  for (const char letter : product.letters)
    product.sizes.push_back(Has(a.letters, letter) ? a.size(letter) : b.size(letter));
  const TensorId joined =
      batch.empty()
          ? s("aten::mm", {T(Grouped(s, a, {left, summed})), T(Grouped(s, b, {summed, right}))})
          : s("aten::bmm",
              {T(Grouped(s, a, {batch, left, summed})), T(Grouped(s, b, {batch, summed, right}))});
  product.id = s("aten::reshape", {T(joined), product.sizes});
  return product;
}

// "..." as digits, as many as the operand with most dimensions left needs; shorter ones have the
// last of them. False if there are more dots or dimensions than that.
bool ReadDots(const std::vector<size_t>& ranks, std::string& equation) {
  std::vector<std::string> parts = absl::StrSplit(equation, ',');
  const std::pair<std::string, std::string> last = absl::StrSplit(parts.back(), "->");
  const bool has_output = absl::StrContains(parts.back(), "->");
  parts.back() = last.first;
  if (parts.size() != ranks.size()) return false;
  const std::string dots = "...", digits = "0123456789";
  size_t most = 0;
  std::vector<size_t> own(parts.size(), 0);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::StrContains(parts[i], dots)) continue;
    const size_t letters = parts[i].size() - dots.size();
    if (letters > ranks[i] || ranks[i] - letters > digits.size()) return false;
    own[i] = ranks[i] - letters;
    most = std::max(most, own[i]);
  }
  for (size_t i = 0; i < parts.size(); ++i)
    parts[i] = absl::StrReplaceAll(parts[i], {{dots, digits.substr(most - own[i], own[i])}});
  equation = absl::StrJoin(parts, ",");
  if (!has_output) return true;
  absl::StrAppend(&equation, "->",
                  absl::StrReplaceAll(last.second, {{dots, digits.substr(0, most)}}));
  return true;
}

bool IsLetter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Operands' letters and the result's; false for what is left as it is.
bool ReadEquation(std::string equation, const std::vector<size_t>& ranks,
                  std::vector<std::string>& inputs, std::string& output) {
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  if (std::any_of(equation.begin(), equation.end(),
                  [](unsigned char c) { return std::isdigit(c) != 0; }) ||
      !ReadDots(ranks, equation))
    return false;
  inputs.assign(1, "");
  size_t i = 0;
  bool has_output = false;
  for (; i < equation.size(); ++i) {
    const char c = equation[i];
    if (c == ',') {
      inputs.emplace_back();
    } else if (equation.compare(i, 2, "->") == 0) {
      has_output = true;
      break;
    } else if (!IsLetter(c)) {
      return false;
    } else {
      inputs.back() += c;
    }
  }
  if (has_output) {
    for (i += 2; i < equation.size(); ++i) {
      if (!IsLetter(equation[i]) || Has(output, equation[i])) return false;
      output += equation[i];
    }
    return true;
  }
  // What the dots stand for, then letters that occur once, capitals first.
  std::string all;
  for (const std::string& letters : inputs) all += letters;
  for (const char letter : all) {
    const bool is_dots = std::isdigit(static_cast<unsigned char>(letter)) != 0;
    if (is_dots ? !Has(output, letter) : std::count(all.begin(), all.end(), letter) == 1)
      output += letter;
  }
  std::sort(output.begin(), output.end());
  return true;
}

// Letters twice in one operand: its diagonal.
void TakeDiagonals(Steps& s, Lettered& t) {
  for (size_t i = 0; i < t.letters.size();) {
    const char letter = t.letters[i];
    const size_t other = t.letters.find(letter, i + 1);
    if (other == std::string::npos) {
      ++i;
      continue;
    }
    t.id = s("aten::diagonal",
             {T(t.id), int64_t{0}, static_cast<int64_t>(i), static_cast<int64_t>(other)});
    const int64_t size = t.sizes[i];
    for (const size_t at : {other, i}) {
      t.letters.erase(at, 1);
      t.sizes.erase(t.sizes.begin() + static_cast<std::ptrdiff_t>(at));
    }
    t.letters += letter;
    t.sizes.push_back(size);
  }
}

// From left to right. A letter has one size everywhere; eager also stretches sizes of 1.
Result Einsum(Emitter& emitter, const OpSignature& op, Operands args) {
  std::vector<std::string> inputs;
  std::string output;
  const auto& tensors = std::get<TensorListOperand>(args[1]).ids;
  std::vector<size_t> ranks;
  for (const TensorId id : tensors) ranks.push_back(emitter.type(id).dims.size());
  bool plain = IsNone(args, 2) &&
               ReadEquation(std::get<std::string>(args[0]), ranks, inputs, output) &&
               inputs.size() == tensors.size();
  std::vector<Lettered> operands;
  for (size_t i = 0; plain && i < tensors.size(); ++i) {
    operands.push_back({tensors[i], inputs[i], SizesOf(emitter, tensors[i])});
    plain = operands[i].sizes.size() == inputs[i].size() && IsFloating(emitter.type(tensors[i]));
    for (size_t k = 0; plain && k <= i; ++k) {
      for (size_t d = 0; d < inputs[i].size(); ++d)
        plain = plain && (!Has(inputs[k], inputs[i][d]) ||
                          operands[k].size(inputs[i][d]) == operands[i].sizes[d]);
    }
  }
  std::string all;
  for (const std::string& letters : inputs) all += letters;
  for (const char letter : output) plain = plain && Has(all, letter);
  if (!plain) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  for (Lettered& operand : operands) TakeDiagonals(s, operand);
  Lettered result = operands[0];
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string kept = output;
    for (size_t k = i + 1; k < operands.size(); ++k) kept += operands[k].letters;
    result = Contract(s, std::move(result), operands[i], kept);
  }
  SumOut(s, result, output);
  Ints order;
  for (const char letter : output)
    order.push_back(static_cast<int64_t>(result.letters.find(letter)));
  return s.Results({s("aten::permute", {T(result.id), order})});
}

// A size of 1 meets any: the other is summed up first. False if the sizes still differ.
bool SumBesideOne(Steps& s, Lettered& a, size_t da, Lettered& b, size_t db) {
  const auto sum = [&s](Lettered& t, size_t d) {
    t.id = s("aten::sum.dim_IntList", {T(t.id), Ints{static_cast<int64_t>(d)}, true});
    t.sizes[d] = 1;
  };
  if (a.sizes[da] != 1 && b.sizes[db] == 1) sum(a, da);
  if (a.sizes[da] == 1 && b.sizes[db] != 1) sum(b, db);
  return a.sizes[da] == b.sizes[db];
}

// Letters for all dimensions of both: equal ones at the dimensions that are summed over.
Result Tensordot(Emitter& emitter, const OpSignature& op, Operands args) {
  Steps s(emitter);
  Lettered a{TensorArg(args, 0), "", SizesOf(emitter, TensorArg(args, 0))};
  Lettered b{TensorArg(args, 1), "", SizesOf(emitter, TensorArg(args, 1))};
  const Ints dims_a = IntsArg(args, 2), dims_b = IntsArg(args, 3);
  bool plain = dims_a.size() == dims_b.size() && a.sizes.size() + b.sizes.size() <= 52 &&
               IsFloating(emitter.type(a.id));
  const auto letter = [](size_t i) { return static_cast<char>(i < 26 ? 'a' + i : 'A' + (i - 26)); };
  for (size_t i = 0; i < a.sizes.size(); ++i) a.letters += letter(i);
  for (size_t i = 0; i < b.sizes.size(); ++i) b.letters += letter(a.sizes.size() + i);
  for (size_t i = 0; plain && i < dims_a.size(); ++i) {
    const int64_t da = dims_a[i] < 0 ? dims_a[i] + std::ssize(a.sizes) : dims_a[i];
    const int64_t db = dims_b[i] < 0 ? dims_b[i] + std::ssize(b.sizes) : dims_b[i];
    plain = da >= 0 && da < std::ssize(a.sizes) && db >= 0 && db < std::ssize(b.sizes) &&
            SumBesideOne(s, a, static_cast<size_t>(da), b, static_cast<size_t>(db));
    if (plain) b.letters[static_cast<size_t>(db)] = a.letters[static_cast<size_t>(da)];
  }
  if (!plain) return emitter.ApplyAsIs(op, std::move(args));
  std::string kept;
  for (const char c : a.letters) kept += Has(b.letters, c) ? "" : std::string(1, c);
  for (const char c : b.letters) kept += Has(a.letters, c) ? "" : std::string(1, c);
  return s.Results({Contract(s, std::move(a), std::move(b), kept).id});
}

Result Inner(Emitter& emitter, const OpSignature&, Operands args) {
  if (TypeOf(emitter, args, 0).rank() == 0 || TypeOf(emitter, args, 1).rank() == 0)
    return emitter.Apply("aten::mul.Tensor", std::move(args));
  return emitter.Apply("aten::tensordot", {args[0], args[1], Ints{-1}, Ints{-1}});
}

// y[…, o] = sum over i and j of x1[…, i] w[o, i, j] x2[…, j], + bias.
Result Bilinear(Emitter& emitter, const OpSignature&, Operands args) {
  const Ints w = SizesOf(emitter, TensorArg(args, 2));
  Ints rows = SizesOf(emitter, TensorArg(args, 0));
  if (w.size() != 3 || rows.empty())
    return absl::InvalidArgumentError("bilinear: weight must have three dimensions");
  rows.pop_back();
  rows.insert(rows.end(), {w[0], w[2]});
  Steps s(emitter);
  // [o * j, i], as linear wants it.
  const TensorId weight = s(
      "aten::reshape", {T(s("aten::permute", {args[2], Ints{0, 2, 1}})), Ints{w[0] * w[2], w[1]}});
  const TensorId half =
      s("aten::reshape", {T(s("aten::linear", {args[0], T(weight), ir::None{}})), rows});
  const TensorId products =
      s("aten::mul.Tensor", {T(half), T(s("aten::unsqueeze", {args[1], int64_t{-2}}))});
  // A sum of whole numbers would be int64.
  const TensorId sum =
      s("aten::sum.dim_IntList", {T(products), Ints{-1}, false, TypeOf(emitter, args, 0).dtype});
  return s.Results({IsNone(args, 3) ? sum : s("aten::add.Tensor", {T(sum), args[3]})});
}

// From left to right; eager chooses the order by cost, which rounds differently.
Result MultiDot(Emitter& emitter, const OpSignature&, Operands args) {
  const auto& tensors = std::get<TensorListOperand>(args[0]).ids;
  if (tensors.size() < 2) return absl::InvalidArgumentError("multi_dot: two tensors are needed");
  Steps s(emitter);
  TensorId product = tensors[0];
  for (size_t i = 1; i < tensors.size(); ++i)
    product = s("aten::matmul", {T(product), T(tensors[i])});
  return s.Results({product});
}

// The first dimension of three elements, unless one is named.
Result Cross(Emitter& emitter, const OpSignature&, Operands args) {
  int64_t dim = -1;
  if (!IsNone(args, 2)) {
    dim = std::get<int64_t>(args[2]);
  } else {
    const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
    const auto three = std::find(sizes.begin(), sizes.end(), 3);
    if (three == sizes.end())
      return absl::InvalidArgumentError("cross: no dimension has three elements");
    dim = three - sizes.begin();
  }
  return emitter.Apply("aten::linalg_cross", {args[0], args[1], dim});
}

// --- Distances ---

Result PairwiseDistance(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId difference = s("aten::sub.Tensor", {args[0], args[1]});
  return s.Results(
      {s("aten::norm.ScalarOpt_dim",
         {T(s("aten::add.Scalar", {T(difference), args[3]})), args[2], Ints{-1}, args[4]})});
}

Result Distance(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId difference = s("aten::sub.Tensor", {args[0], args[1]});
  return s.Results({s("aten::linalg_vector_norm", {T(difference), args[2]})});
}

// x1 / max(|x1|, eps) times x2 / max(|x2|, eps), summed.
Result CosineSimilarity(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const Tensors both = s.All("aten::broadcast_tensors",
                             {TensorListOperand{{TensorArg(args, 0), TensorArg(args, 1)}}});
  const Ints dim = IntsArg(args, 2);
  Tensors units;
  for (const TensorId x : both) {
    const TensorId norm = s("aten::linalg_vector_norm", {T(x), int64_t{2}, dim, true});
    units.push_back(s("aten::div.Tensor", {T(x), T(s("aten::clamp_min", {T(norm), args[3]}))}));
  }
  if (!s.ok()) return s.Results({});
  return s.Results({s("aten::sum.dim_IntList",
                      {T(s("aten::mul.Tensor", {T(units[0]), T(units[1])})), dim, false})});
}

// --- Elementwise ---

// In double.
Result FloatPower(Emitter& emitter, const OpSignature& op, Operands args) {
  Steps s(emitter);
  for (Operand& operand : args) {
    const auto* const tensor = std::get_if<TensorOperand>(&operand);
    if (tensor == nullptr) continue;
    if (ir::IsComplex(emitter.type(tensor->id).dtype))
      return emitter.ApplyAsIs(op, std::move(args));
    operand = T(s("aten::_to_copy", {operand, ir::DType::kFloat64}));
  }
  const std::string overload = op.schema.op.substr(op.schema.op.find('.'));
  return s.Results({s(absl::StrCat("aten::pow", overload), std::move(args))});
}

Result Ndtr(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId erf =
      s("aten::erf", {T(s("aten::mul.Scalar", {args[0], std::numbers::sqrt2 / 2}))});
  return s.Results({s("aten::mul.Scalar", {T(s("aten::add.Scalar", {T(erf), int64_t{1}})), 0.5})});
}

Result Ldexp(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  return s.Results({s("aten::mul.Tensor", {args[0], T(s("aten::pow.Scalar", {2.0, args[1]}))})});
}

// Of floating tensors; others compare as they are.
Result IsClose(Emitter& emitter, const OpSignature& op, Operands args) {
  if (!IsFloating(TypeOf(emitter, args, 0)) ||
      TypeOf(emitter, args, 0).dtype != TypeOf(emitter, args, 1).dtype)
    return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  TensorId close = s("aten::eq.Tensor", {args[0], args[1]});
  if (std::get<bool>(args[4])) {
    const TensorId both =
        s("aten::logical_and", {T(s("aten::isnan", {args[0]})), T(s("aten::isnan", {args[1]}))});
    close = s("aten::logical_or", {T(close), T(both)});
  }
  const TensorId relative = s("aten::abs", {T(s("aten::mul.Scalar", {args[1], args[2]}))});
  const TensorId allowed = s("aten::add.Scalar", {T(relative), args[3]});
  const TensorId actual = s("aten::abs", {T(s("aten::sub.Tensor", {args[0], args[1]}))});
  const TensorId near = s("aten::logical_and", {T(s("aten::isfinite", {T(actual)})),
                                                T(s("aten::le.Tensor", {T(actual), T(allowed)}))});
  return s.Results({s("aten::logical_or", {T(close), T(near)})});
}

// Rows that are all minus infinity become 0.
Result SafeSoftmax(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId softmax = s("aten::softmax.int", {args[0], args[1], args[2]});
  const TensorId masked = s("aten::eq.Scalar", {args[0], -std::numeric_limits<double>::infinity()});
  const TensorId row = s("aten::all.dim", {T(masked), args[1], true});
  return s.Results({s("aten::where.ScalarSelf", {T(row), 0.0, T(softmax)})});
}

Result NanMean(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId numbers = s("aten::logical_not", {T(s("aten::isnan", {args[0]}))});
  const TensorId count = IsNone(args, 1)
                             ? s("aten::sum", {T(numbers)})
                             : s("aten::sum.dim_IntList", {T(numbers), args[1], args[2]});
  const TensorId sum = s("aten::nansum", {args[0], args[1], args[2], args[3]});
  return s.Results({s("aten::div.Tensor", {T(sum), T(count)})});
}

// Windows of one line.
Result MaxPool1dWithIndices(Emitter& emitter, const OpSignature&, Operands args) {
  const auto with = [](const Ints& sizes, int64_t first) {
    return sizes.empty() ? sizes : Ints{first, sizes[0]};
  };
  Steps s(emitter);
  Tensors results = s.All(
      "aten::max_pool2d_with_indices",
      {T(s("aten::unsqueeze", {args[0], int64_t{-2}})), with(IntsArg(args, 1), 1),
       with(IntsArg(args, 2), 1), with(IntsArg(args, 3), 0), with(IntsArg(args, 4), 1), args[5]});
  for (TensorId& result : results) result = s("aten::squeeze.dim", {T(result), int64_t{-2}});
  return s.Results(std::move(results));
}
Result AdaptiveMaxPool1d(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  Tensors results =
      s.All("aten::adaptive_max_pool2d",
            {T(s("aten::unsqueeze", {args[0], int64_t{-2}})), Ints{1, IntsArg(args, 1)[0]}});
  for (TensorId& result : results) result = s("aten::squeeze.dim", {T(result), int64_t{-2}});
  return s.Results(std::move(results));
}

constexpr RewriteRow kRows[] = {
    {"aten::einsum", Einsum, "permute, reshape, mm or bmm, sum.dim_IntList"},
    {"aten::tensordot", Tensordot, "permute, reshape, mm"},
    {"aten::inner", Inner, "tensordot"},
    {"aten::bilinear", Bilinear, "linear, mul.Tensor, sum.dim_IntList"},
    {"aten::linalg_multi_dot", MultiDot, "matmul"},
    {"aten::cross", Cross, "linalg_cross"},
    {"aten::float_power.Scalar", FloatPower, "_to_copy, pow.Scalar"},
    {"aten::float_power.Tensor_Scalar", FloatPower, "_to_copy, pow.Tensor_Scalar"},
    {"aten::float_power.Tensor_Tensor", FloatPower, "_to_copy, pow.Tensor_Tensor"},
    {"aten::pairwise_distance", PairwiseDistance, "sub.Tensor, norm.ScalarOpt_dim"},
    {"aten::dist", Distance, "sub.Tensor, linalg_vector_norm"},
    {"aten::cosine_similarity", CosineSimilarity, "linalg_vector_norm, div.Tensor, sum"},
    {"aten::special_ndtr", Ndtr, "erf"},
    {"aten::ldexp.Tensor", Ldexp, "pow.Scalar, mul.Tensor"},
    {"aten::isclose", IsClose, "eq.Tensor, le.Tensor"},
    {"aten::_safe_softmax", SafeSoftmax, "softmax.int, where.ScalarSelf"},
    {"aten::nanmean", NanMean, "nansum, div.Tensor"},
    {"aten::max_pool1d_with_indices", MaxPool1dWithIndices, "max_pool2d_with_indices"},
    {"aten::adaptive_max_pool1d", AdaptiveMaxPool1d, "adaptive_max_pool2d"},
};

}  // namespace

absl::Span<const RewriteRow> AlgebraRewrites() { return kRows; }

}  // namespace ingot::pt2

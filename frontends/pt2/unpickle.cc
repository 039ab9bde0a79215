#include "frontends/pt2/unpickle.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/zip_view.h"

namespace ingot::pt2 {
namespace {

using absl::string_view;
using ir::DType;
using Kind = PickleValue::Kind;

constexpr size_t kMaxValues = 1 << 20;

absl::Status Bad(string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("pickle: ", why));
}

// What may be called, or stands for an element type.
struct Global {
  const char* name;
  std::optional<DType> storage = std::nullopt;
};
constexpr char kRebuild[] = "torch._utils._rebuild_tensor_v2";
constexpr char kOrderedDict[] = "collections.OrderedDict";
constexpr Global kGlobals[] = {
    {kRebuild},
    {kOrderedDict},
    {"torch.BoolStorage", DType::kBool},
    {"torch.ByteStorage", DType::kUInt8},
    {"torch.CharStorage", DType::kInt8},
    {"torch.ShortStorage", DType::kInt16},
    {"torch.IntStorage", DType::kInt32},
    {"torch.LongStorage", DType::kInt64},
    {"torch.HalfStorage", DType::kFloat16},
    {"torch.BFloat16Storage", DType::kBFloat16},
    {"torch.FloatStorage", DType::kFloat32},
    {"torch.DoubleStorage", DType::kFloat64},
    {"torch.ComplexFloatStorage", DType::kComplex64},
    {"torch.ComplexDoubleStorage", DType::kComplex128},
};

const Global* FindGlobal(string_view name) {
  for (const Global& global : kGlobals) {
    if (global.name == name) return &global;
  }
  return nullptr;
}

class Machine {
 public:
  Machine(string_view code, const ZipView& zip, string_view root)
      : code_(code), zip_(zip), root_(root) {}

  absl::StatusOr<Pickle> Run() {
    while (!stopped_) {
      if (code_.empty()) return Bad("it ends before its end mark");
      const char op = code_[0];
      code_.remove_prefix(1);
      INGOT_RETURN_IF_ERROR(Step(op));
      if (pickle_.values.size() > kMaxValues) return Bad("too many values");
    }
    return std::move(pickle_);
  }

 private:
  using Handler = absl::Status (Machine::*)();
  struct Instruction {
    char code;
    Handler handler;
  };
  static const Instruction kInstructions[];

  absl::Status Step(char op) {
    for (const Instruction* i = kInstructions; i->handler != nullptr; ++i) {
      if (i->code == op) return (this->*i->handler)();
    }
    return absl::UnimplementedError(absl::StrCat(
        "pickle: the instruction 0x", absl::Hex(static_cast<unsigned char>(op)), " is not run"));
  }

  // --- Reading the code ---

  absl::StatusOr<string_view> Take(size_t size) {
    if (code_.size() < size) return Bad("it is cut short");
    const string_view taken = code_.substr(0, size);
    code_.remove_prefix(size);
    return taken;
  }
  absl::StatusOr<uint64_t> Unsigned(size_t size) {
    INGOT_ASSIGN_OR_RETURN(const string_view bytes, Take(size));
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  absl::StatusOr<string_view> Line() {
    const size_t end = code_.find('\n');
    if (end == string_view::npos) return Bad("it is cut short");
    const string_view line = code_.substr(0, end);
    code_.remove_prefix(end + 1);
    return line;
  }

  // --- The stack ---

  absl::Status Push(PickleValue value) {
    stack_.push_back(static_cast<uint32_t>(pickle_.values.size()));
    pickle_.values.push_back(std::move(value));
    return absl::OkStatus();
  }
  absl::StatusOr<uint32_t> Pop() {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) return Bad("its stack is empty");
    const uint32_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  absl::StatusOr<std::vector<uint32_t>> PopToMark() {
    if (marks_.empty()) return Bad("a mark is missing");
    std::vector<uint32_t> items(stack_.begin() + static_cast<int64_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  absl::StatusOr<PickleValue*> Top(Kind kind) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor || pickle_.values[stack_.back()].kind != kind)
      return Bad("it fills something that is no container");
    return &pickle_.values[stack_.back()];
  }
  absl::Status PushSequence(Kind kind, std::vector<uint32_t> items) {
    PickleValue value;
    value.kind = kind;
    value.items = std::move(items);
    return Push(std::move(value));
  }
  absl::Status PushInt(Kind kind, int64_t integer) {
    PickleValue value;
    value.kind = kind;
    value.integer = integer;
    return Push(std::move(value));
  }

  // --- Instructions ---

  absl::Status Proto() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t version, Unsigned(1));
    return version >= 2 && version <= 5 ? absl::OkStatus() : Bad("of an unknown protocol");
  }
  absl::Status Frame() { return Unsigned(8).status(); }
  absl::Status Stop() {
    INGOT_ASSIGN_OR_RETURN(pickle_.root, Pop());
    stopped_ = true;
    return absl::OkStatus();
  }
  absl::Status Mark() {
    marks_.push_back(stack_.size());
    return absl::OkStatus();
  }
  absl::Status None() { return Push({}); }
  absl::Status True() { return PushInt(Kind::kBool, 1); }
  absl::Status False() { return PushInt(Kind::kBool, 0); }
  template <size_t kSize>
  absl::Status Int() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t value, Unsigned(kSize));
    return PushInt(Kind::kInt,
                   kSize == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value));
  }
  absl::Status Long() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t size, Unsigned(1));
    if (size > 8) return Bad("a number beyond 64 bits");
    INGOT_ASSIGN_OR_RETURN(uint64_t value, Unsigned(size));
    // Two's complement of `size` bytes.
    if (size > 0 && size < 8 && (value >> (size * 8 - 1) & 1) != 0)
      value |= ~uint64_t{0} << size * 8;
    return PushInt(Kind::kInt, static_cast<int64_t>(value));
  }
  absl::Status Float() {
    INGOT_ASSIGN_OR_RETURN(const string_view bytes, Take(8));
    uint64_t bits = 0;
    for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
    PickleValue value;
    value.kind = Kind::kFloat;
    value.real = std::bit_cast<double>(bits);
    return Push(std::move(value));
  }
  template <size_t kSize>
  absl::Status String() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t size, Unsigned(kSize));
    INGOT_ASSIGN_OR_RETURN(const string_view text, Take(size));
    PickleValue value;
    value.kind = Kind::kString;
    value.text = std::string(text);
    return Push(std::move(value));
  }
  absl::Status EmptyTuple() { return PushSequence(Kind::kTuple, {}); }
  absl::Status EmptyList() { return PushSequence(Kind::kList, {}); }
  absl::Status EmptyDict() { return PushSequence(Kind::kDict, {}); }
  template <int kCount>
  absl::Status TupleOf() {
    std::vector<uint32_t> items(kCount);
    for (int i = kCount; i-- > 0;) {
      INGOT_ASSIGN_OR_RETURN(items[static_cast<size_t>(i)], Pop());
    }
    return PushSequence(Kind::kTuple, std::move(items));
  }
  absl::Status Tuple() {
    INGOT_ASSIGN_OR_RETURN(std::vector<uint32_t> items, PopToMark());
    return PushSequence(Kind::kTuple, std::move(items));
  }
  absl::Status Append() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t item, Pop());
    INGOT_ASSIGN_OR_RETURN(PickleValue* const list, Top(Kind::kList));
    list->items.push_back(item);
    return CountItems(1);
  }
  absl::Status Appends() {
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint32_t> items, PopToMark());
    INGOT_ASSIGN_OR_RETURN(PickleValue* const list, Top(Kind::kList));
    list->items.insert(list->items.end(), items.begin(), items.end());
    return CountItems(items.size());
  }
  absl::Status SetItem() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t value, Pop());
    INGOT_ASSIGN_OR_RETURN(const uint32_t key, Pop());
    INGOT_ASSIGN_OR_RETURN(PickleValue* const dict, Top(Kind::kDict));
    dict->items.insert(dict->items.end(), {key, value});
    return CountItems(2);
  }
  absl::Status SetItems() {
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint32_t> items, PopToMark());
    if (items.size() % 2 != 0) return Bad("a key without a value");
    INGOT_ASSIGN_OR_RETURN(PickleValue* const dict, Top(Kind::kDict));
    dict->items.insert(dict->items.end(), items.begin(), items.end());
    return CountItems(items.size());
  }
  absl::Status CountItems(size_t count) {
    items_ += count;
    return items_ > kMaxValues ? Bad("too many values") : absl::OkStatus();
  }
  template <size_t kSize>
  absl::Status Put() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t key, Unsigned(kSize));
    return Memoize(key);
  }
  absl::Status PutNext() { return Memoize(memo_.size()); }
  absl::Status Memoize(uint64_t key) {
    if (stack_.empty() || memo_.size() > kMaxValues) return Bad("its memory is misused");
    memo_[key] = stack_.back();
    return absl::OkStatus();
  }
  template <size_t kSize>
  absl::Status Get() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t key, Unsigned(kSize));
    const auto found = memo_.find(key);
    if (found == memo_.end()) return Bad("it recalls what it never kept");
    if (stack_.size() > kMaxValues) return Bad("too many values");
    stack_.push_back(found->second);
    return absl::OkStatus();
  }
  absl::Status GlobalName() {
    INGOT_ASSIGN_OR_RETURN(const string_view module, Line());
    INGOT_ASSIGN_OR_RETURN(const string_view name, Line());
    return PushGlobal(absl::StrCat(module, ".", name));
  }
  absl::Status StackGlobal() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t name, Pop());
    INGOT_ASSIGN_OR_RETURN(const uint32_t module, Pop());
    return PushGlobal(absl::StrCat(pickle_.values[module].text, ".", pickle_.values[name].text));
  }
  absl::Status PushGlobal(std::string name) {
    if (FindGlobal(name) == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("pickle: the global ", name.substr(0, 100), " is not loaded"));
    }
    PickleValue value;
    value.kind = Kind::kGlobal;
    value.text = std::move(name);
    return Push(std::move(value));
  }

  // ('storage', torch.FloatStorage, key, location, count)
  absl::Status PersistentId() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t id, Pop());
    const PickleValue& tuple = pickle_.values[id];
    if (tuple.kind != Kind::kTuple || tuple.items.size() != 5) return Bad("a storage is malformed");
    const PickleValue& type = pickle_.values[tuple.items[1]];
    const PickleValue& key = pickle_.values[tuple.items[2]];
    const Global* const global = type.kind == Kind::kGlobal ? FindGlobal(type.text) : nullptr;
    if (global == nullptr || !global->storage || key.kind != Kind::kString)
      return Bad("a storage is malformed");
    const ZipView::Record* record = zip_.Find(absl::StrCat(root_, "data/", key.text));
    if (record == nullptr) return Bad("a storage's record is missing");
    PickleValue storage;
    storage.kind = Kind::kStorage;
    storage.type.dtype = *global->storage;
    storage.bytes = record->bytes;
    return Push(std::move(storage));
  }

  absl::Status Reduce() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t arguments, Pop());
    INGOT_ASSIGN_OR_RETURN(const uint32_t callee, Pop());
    const PickleValue& tuple = pickle_.values[arguments];
    const PickleValue& global = pickle_.values[callee];
    if (global.kind != Kind::kGlobal || tuple.kind != Kind::kTuple)
      return Bad("it calls no function");
    if (global.text == kOrderedDict && tuple.items.empty()) return EmptyDict();
    if (global.text == kRebuild && tuple.items.size() >= 4) return Rebuild(tuple.items);
    return absl::UnimplementedError(
        absl::StrCat("pickle: the call of ", global.text, " is not run"));
  }

  absl::StatusOr<ir::Dims> Dims(uint32_t id) const {
    const PickleValue& tuple = pickle_.values[id];
    if (tuple.kind != Kind::kTuple || tuple.items.size() > static_cast<size_t>(ir::kMaxRank))
      return Bad("a tensor's sizes are malformed");
    ir::Dims dims;
    for (const uint32_t item : tuple.items) {
      const PickleValue& value = pickle_.values[item];
      constexpr int64_t kMax = int64_t{1} << 48;
      if (value.kind != Kind::kInt || value.integer < 0 || value.integer > kMax)
        return Bad("a tensor's sizes are malformed");
      dims.push_back(value.integer);
    }
    return dims;
  }

  // _rebuild_tensor_v2(storage, offset, sizes, strides, …)
  absl::Status Rebuild(std::vector<uint32_t> items) {
    const PickleValue& storage = pickle_.values[items[0]];
    const PickleValue& offset = pickle_.values[items[1]];
    if (storage.kind != Kind::kStorage || offset.kind != Kind::kInt || offset.integer < 0)
      return Bad("a tensor is malformed");
    PickleValue tensor;
    tensor.kind = Kind::kTensor;
    tensor.bytes = storage.bytes;
    tensor.type.dtype = storage.type.dtype;
    tensor.offset = offset.integer;
    INGOT_ASSIGN_OR_RETURN(tensor.type.dims, Dims(items[2]));
    INGOT_ASSIGN_OR_RETURN(tensor.strides, Dims(items[3]));
    if (tensor.strides.size() != tensor.type.dims.size()) return Bad("a tensor is malformed");
    __int128 last = tensor.offset, count = 1;
    constexpr __int128 kMax = __int128{1} << 60;
    for (size_t d = 0; d < tensor.strides.size(); ++d) {
      count *= tensor.type.dims[d];
      last += static_cast<__int128>(tensor.type.dims[d] - 1) * tensor.strides[d];
      if (count > kMax || last > kMax) return Bad("a tensor is beyond any memory");
    }
    const __int128 available =
        static_cast<__int128>(tensor.bytes.size() / ir::ElementSize(tensor.type.dtype));
    if (count > 0 && last >= available) return Bad("a tensor reaches beyond its storage");
    return Push(std::move(tensor));
  }

  string_view code_;
  const ZipView& zip_;
  string_view root_;
  Pickle pickle_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, uint32_t> memo_;
  size_t items_ = 0;
  bool stopped_ = false;
};

const Machine::Instruction Machine::kInstructions[] = {
    {'\x80', &Machine::Proto},
    {'\x95', &Machine::Frame},
    {'.', &Machine::Stop},
    {'(', &Machine::Mark},
    {'N', &Machine::None},
    {'\x88', &Machine::True},
    {'\x89', &Machine::False},
    {'K', &Machine::Int<1>},
    {'M', &Machine::Int<2>},
    {'J', &Machine::Int<4>},
    {'\x8a', &Machine::Long},
    {'G', &Machine::Float},
    {'X', &Machine::String<4>},
    {'\x8c', &Machine::String<1>},
    {')', &Machine::EmptyTuple},
    {']', &Machine::EmptyList},
    {'}', &Machine::EmptyDict},
    {'\x85', &Machine::TupleOf<1>},
    {'\x86', &Machine::TupleOf<2>},
    {'\x87', &Machine::TupleOf<3>},
    {'t', &Machine::Tuple},
    {'a', &Machine::Append},
    {'e', &Machine::Appends},
    {'s', &Machine::SetItem},
    {'u', &Machine::SetItems},
    {'q', &Machine::Put<1>},
    {'r', &Machine::Put<4>},
    {'\x94', &Machine::PutNext},
    {'h', &Machine::Get<1>},
    {'j', &Machine::Get<4>},
    {'c', &Machine::GlobalName},
    {'\x93', &Machine::StackGlobal},
    {'Q', &Machine::PersistentId},
    {'R', &Machine::Reduce},
    {'\0', nullptr},
};

}  // namespace

absl::StatusOr<Pickle> ReadTorchPickle(string_view bytes) {
  INGOT_ASSIGN_OR_RETURN(const ZipView zip, ZipView::Parse(bytes));
  for (const ZipView::Record& record : zip.records()) {
    if (!absl::EndsWith(record.name, "/data.pkl")) continue;
    INGOT_RETURN_IF_ERROR(CheckCrc(record));
    const string_view root = record.name.substr(0, record.name.size() - 8);
    return Machine(record.bytes, zip, root).Run();
  }
  return Bad("the archive has no data.pkl");
}

std::vector<std::string> PickleGlobals() {
  std::vector<std::string> names;
  for (const Global& global : kGlobals) names.emplace_back(global.name);
  return names;
}

}  // namespace ingot::pt2

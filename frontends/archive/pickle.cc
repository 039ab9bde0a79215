#include "frontends/archive/pickle.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::archive {
namespace {

using absl::string_view;
using Kind = PickleValue::Kind;

// A view may repeat its storage, but not without end: whoever clones it needs memory for all of it.
constexpr int64_t kMaxExpansion = 1024, kMaxExpandedBytes = int64_t{1} << 30;

absl::Status Bad(string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("pickle: ", why));
}

class Machine {
 public:
  Machine(string_view code, const PickleRules& rules)
      : code_(code), size_(code.size()), rules_(rules) {}

  absl::StatusOr<Pickle> Run() {
    if (rules_.dialect == PickleDialect::kTorchScript && code_.substr(0, 2) != "\x80\x02")
      return Bad("it does not begin as one of protocol 2");
    while (!stopped_) {
      if (code_.empty()) return Bad("it ends before its end mark");
      const char op = code_[0];
      code_.remove_prefix(1);
      INGOT_RETURN_IF_ERROR(Step(op));
      if (pickle_.values.size() > kMaxPickleValues) return Bad("too many values");
    }
    return std::move(pickle_);
  }

 private:
  using Handler = absl::Status (Machine::*)();
  enum class In { kBoth, kTorchSave, kTorchScript };
  struct Instruction {
    char code;
    Handler handler;
    In in = In::kBoth;
  };
  static const Instruction kInstructions[];

  absl::Status Step(char op) {
    for (const Instruction* i = kInstructions; i->handler != nullptr; ++i) {
      if (i->code != op) continue;
      const bool known = i->in == In::kBoth || (i->in == In::kTorchScript) ==
                                                   (rules_.dialect == PickleDialect::kTorchScript);
      if (known) return (this->*i->handler)();
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
  absl::StatusOr<uint32_t> Pop(Kind kind, string_view what) {
    INGOT_ASSIGN_OR_RETURN(const uint32_t top, Pop());
    return pickle_.values[top].kind == kind ? absl::StatusOr<uint32_t>(top) : Bad(what);
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
  absl::Status PushObject(string_view name, uint32_t argument) {
    PickleValue value;
    value.kind = Kind::kObject;
    value.text = name;
    value.items = {argument};
    return Push(std::move(value));
  }
  absl::Status PushTensor(Kind kind, PickleTensor tensor) {
    pickle_.tensors.push_back(std::move(tensor));
    return PushInt(kind, static_cast<int64_t>(pickle_.tensors.size() - 1));
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
    const uint64_t newest = rules_.dialect == PickleDialect::kTorchScript ? 2 : 5;
    return version >= 2 && version <= newest ? absl::OkStatus() : Bad("of an unknown protocol");
  }
  absl::Status Frame() { return Unsigned(8).status(); }
  absl::Status Stop() {
    INGOT_ASSIGN_OR_RETURN(pickle_.root, Pop());
    if (!stack_.empty() || !marks_.empty()) return Bad("it ends with values left over");
    stopped_ = true;
    return CheckNesting();
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
    return PushInt(Kind::kFloat, static_cast<int64_t>(bits));
  }
  template <size_t kSize>
  absl::Status String() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t size, Unsigned(kSize));
    INGOT_ASSIGN_OR_RETURN(const string_view text, Take(size));
    PickleValue value;
    value.kind = Kind::kString;
    value.text = text;
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
    return AddToDict({key, value});
  }
  absl::Status SetItems() {
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint32_t> items, PopToMark());
    return AddToDict(items);
  }
  absl::Status List() {
    INGOT_ASSIGN_OR_RETURN(std::vector<uint32_t> items, PopToMark());
    return PushSequence(Kind::kList, std::move(items));
  }
  absl::Status Dict() {
    INGOT_ASSIGN_OR_RETURN(const std::vector<uint32_t> items, PopToMark());
    INGOT_RETURN_IF_ERROR(EmptyDict());
    return AddToDict(items);
  }
  // Keys that are containers are refused: their hashes can take time exponential in their size.
  absl::Status AddToDict(const std::vector<uint32_t>& items) {
    if (items.size() % 2 != 0) return Bad("a key without a value");
    INGOT_ASSIGN_OR_RETURN(PickleValue* const dict, Top(Kind::kDict));
    for (size_t i = 0; i < items.size(); i += 2) {
      const Kind key = pickle_.values[items[i]].kind;
      if (key == Kind::kTuple || key == Kind::kList || key == Kind::kDict)
        return Bad("a container as a key");
    }
    dict->items.insert(dict->items.end(), items.begin(), items.end());
    return CountItems(items.size());
  }
  absl::Status CountItems(size_t count) {
    items_ += count;
    return items_ > kMaxPickleValues ? Bad("too many values") : absl::OkStatus();
  }
  template <size_t kSize>
  absl::Status Put() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t key, Unsigned(kSize));
    return Memoize(key);
  }
  absl::Status PutNext() { return Memoize(memo_.size()); }
  absl::Status Memoize(uint64_t key) {
    // Some readers have a table up to the largest key.
    if (stack_.empty() || key > size_) return Bad("its memory is misused");
    memo_[key] = stack_.back();
    return absl::OkStatus();
  }
  template <size_t kSize>
  absl::Status Get() {
    INGOT_ASSIGN_OR_RETURN(const uint64_t key, Unsigned(kSize));
    const auto found = memo_.find(key);
    if (found == memo_.end()) return Bad("it recalls what it never kept");
    if (stack_.size() > kMaxPickleValues) return Bad("too many values");
    stack_.push_back(found->second);
    return absl::OkStatus();
  }
  absl::Status GlobalName() {
    INGOT_ASSIGN_OR_RETURN(const string_view module, Line());
    INGOT_ASSIGN_OR_RETURN(const string_view name, Line());
    return PushGlobal(absl::StrCat(module, ".", name));
  }
  absl::Status StackGlobal() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t name, Pop(Kind::kString, "a global without a name"));
    INGOT_ASSIGN_OR_RETURN(const uint32_t module, Pop(Kind::kString, "a global without a name"));
    return PushGlobal(absl::StrCat(pickle_.values[module].text, ".", pickle_.values[name].text));
  }
  const PickleGlobal* FindGlobal(string_view name) const {
    const auto found =
        std::find_if(rules_.globals.begin(), rules_.globals.end(),
                     [&](const PickleGlobal& global) { return global.name == name; });
    return found == rules_.globals.end() ? nullptr : &*found;
  }
  GlobalUse Use(string_view name) const {
    const PickleGlobal* const global = FindGlobal(name);
    return global == nullptr ? GlobalUse::kClass : global->use;
  }
  absl::Status PushGlobal(std::string name) {
    if (FindGlobal(name) == nullptr && !rules_.is_class(name)) {
      return absl::UnimplementedError(
          absl::StrCat("pickle: the global ", Printable(name), " is not loaded"));
    }
    pickle_.names.push_back(std::move(name));
    PickleValue value;
    value.kind = Kind::kGlobal;
    value.text = pickle_.names.back();
    return Push(std::move(value));
  }
  static std::string Printable(string_view name) {
    std::string text(name.substr(0, 100));
    for (char& c : text) c = c < 0x20 || c == 0x7f ? '?' : c;
    return text;
  }

  // ('storage', torch.FloatStorage, key, location, count)
  absl::Status PersistentId() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t id, Pop(Kind::kTuple, "a storage is malformed"));
    const PickleValue& tuple = pickle_.values[id];
    if (tuple.items.size() != 5) return Bad("a storage is malformed");
    const auto part = [&](size_t i) -> const PickleValue& {
      return pickle_.values[tuple.items[i]];
    };
    if (part(0).kind != Kind::kString || part(0).text != "storage" ||
        part(1).kind != Kind::kGlobal || part(2).kind != Kind::kString ||
        part(3).kind != Kind::kString || part(4).kind != Kind::kInt || part(4).integer < 0)
      return Bad("a storage is malformed");
    const PickleGlobal* const type = FindGlobal(part(1).text);
    if (type == nullptr || type->use != GlobalUse::kStorage) return Bad("a storage is malformed");
    PickleTensor storage;
    storage.element_size = type->element_size;
    storage.dtype = type->dtype;
    const auto count = static_cast<uint64_t>(part(4).integer);
    if (count > 0 && rules_.has_storages) {  // else there may be no record
      INGOT_ASSIGN_OR_RETURN(storage.bytes, rules_.storage(part(2).text));
      if (count > storage.bytes.size() / type->element_size) {
        return Bad(absl::StrCat("the storage ", Printable(part(2).text), " of ", count,
                                " elements has a record of ", storage.bytes.size(), " bytes"));
      }
      storage.bytes = storage.bytes.substr(0, count * type->element_size);
      storage_bytes_ += storage.bytes.size();
      if (storage_bytes_ > rules_.max_storage_bytes)
        return Bad("it fetches its storages again and again");
    }
    return PushTensor(Kind::kStorage, std::move(storage));
  }

  absl::Status Reduce() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t arguments, Pop(Kind::kTuple, "it calls no function"));
    INGOT_ASSIGN_OR_RETURN(const uint32_t callee, Pop(Kind::kGlobal, "it calls no function"));
    const PickleValue& tuple = pickle_.values[arguments];
    const string_view name = pickle_.values[callee].text;
    switch (Use(name)) {
      case GlobalUse::kOrderedDict:
        if (tuple.items.empty()) return EmptyDict();
        break;
      case GlobalUse::kRebuildTensor:
        if (tuple.items.size() >= 4) return Rebuild(tuple.items);
        break;
      case GlobalUse::kFunction:
        return PushObject(name, arguments);
      // LibTorch's writer calls enumerations.
      case GlobalUse::kClass:
        return PushObject(name, arguments);
      default:
        break;
    }
    return absl::UnimplementedError(absl::StrCat("pickle: the call of ", name, " is not run"));
  }

  // LibTorch's reader makes an object when it gets its state: until then the class stands for it.
  absl::Status NewObject() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t arguments, Pop(Kind::kTuple, "it makes no object"));
    if (!pickle_.values[arguments].items.empty()) return Bad("it makes an object of arguments");
    INGOT_ASSIGN_OR_RETURN(const uint32_t type, Pop(Kind::kGlobal, "it makes no object"));
    if (Use(pickle_.values[type].text) != GlobalUse::kClass) return Bad("it makes no object");
    stack_.push_back(type);
    return absl::OkStatus();
  }
  absl::Status Build() {
    INGOT_ASSIGN_OR_RETURN(const uint32_t state, Pop());
    INGOT_ASSIGN_OR_RETURN(const uint32_t type, Pop(Kind::kGlobal, "it fills no object"));
    if (Use(pickle_.values[type].text) != GlobalUse::kClass) return Bad("it fills no object");
    return PushObject(pickle_.values[type].text, state);
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
  absl::Status Rebuild(const std::vector<uint32_t>& items) {
    const PickleValue& storage = pickle_.values[items[0]];
    const PickleValue& offset = pickle_.values[items[1]];
    if (storage.kind != Kind::kStorage || offset.kind != Kind::kInt || offset.integer < 0)
      return Bad("a tensor is malformed");
    PickleTensor tensor = pickle_.tensor(storage);
    tensor.offset = offset.integer;
    INGOT_ASSIGN_OR_RETURN(tensor.dims, Dims(items[2]));
    INGOT_ASSIGN_OR_RETURN(tensor.strides, Dims(items[3]));
    if (rules_.has_storages) INGOT_RETURN_IF_ERROR(CheckInside(tensor));
    return PushTensor(Kind::kTensor, std::move(tensor));
  }

  static absl::Status CheckInside(const PickleTensor& tensor) {
    if (tensor.strides.size() != tensor.dims.size()) return Bad("a tensor is malformed");
    __int128 last = tensor.offset, count = 1;
    constexpr __int128 kMax = __int128{1} << 60;
    bool empty = false;
    for (size_t d = 0; d < tensor.strides.size(); ++d) {
      empty = empty || tensor.dims[d] == 0;
      count *= std::max<int64_t>(tensor.dims[d], 1);
      last += static_cast<__int128>(std::max<int64_t>(tensor.dims[d], 1) - 1) * tensor.strides[d];
      if (count > kMax || last > kMax) return Bad("a tensor is beyond any memory");
    }
    if (empty) return absl::OkStatus();
    const auto element = static_cast<__int128>(tensor.element_size);
    const __int128 available = static_cast<__int128>(tensor.bytes.size()) / element;
    if (last >= available) return Bad("a tensor reaches beyond its storage");
    if (count > available * kMaxExpansion && count * element > kMaxExpandedBytes)
      return Bad("a tensor repeats its storage without end");
    return absl::OkStatus();
  }

  // No value holds itself, and none is nested too deeply. Depth first, with a stack of its own.
  absl::Status CheckNesting() const {
    constexpr int kUnseen = 0, kOpen = -1;
    std::vector<int> depth(pickle_.values.size(), kUnseen);
    std::vector<std::pair<uint32_t, size_t>> path;  // a value, and how many of its items were seen
    for (uint32_t start = 0; start < depth.size(); ++start) {
      if (depth[start] != kUnseen) continue;
      path.assign(1, {start, 0});
      depth[start] = kOpen;
      while (!path.empty()) {
        auto& [id, seen] = path.back();
        const std::vector<uint32_t>& items = pickle_.values[id].items;
        if (seen < items.size()) {
          const uint32_t item = items[seen++];
          if (depth[item] == kOpen) return Bad("a value holds itself");
          if (depth[item] != kUnseen) continue;
          depth[item] = kOpen;
          path.emplace_back(item, 0);
          continue;
        }
        int deepest = 0;
        for (const uint32_t item : items) deepest = std::max(deepest, depth[item]);
        if (deepest >= kMaxPickleDepth) {
          return Bad(absl::StrCat("it is nested more than ", kMaxPickleDepth, " deep"));
        }
        depth[id] = deepest + 1;
        path.pop_back();
      }
    }
    return absl::OkStatus();
  }

  string_view code_;
  const size_t size_;
  const PickleRules& rules_;
  uint64_t storage_bytes_ = 0;
  Pickle pickle_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, uint32_t> memo_;
  size_t items_ = 0;
  bool stopped_ = false;
};

const Machine::Instruction Machine::kInstructions[] = {
    {'\x80', &Machine::Proto},
    {'\x95', &Machine::Frame, In::kTorchSave},
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
    {'\x8c', &Machine::String<1>, In::kTorchSave},
    {')', &Machine::EmptyTuple},
    {']', &Machine::EmptyList},
    {'}', &Machine::EmptyDict},
    {'\x85', &Machine::TupleOf<1>},
    {'\x86', &Machine::TupleOf<2>},
    {'\x87', &Machine::TupleOf<3>},
    {'t', &Machine::Tuple},
    {'a', &Machine::Append, In::kTorchSave},
    {'e', &Machine::Appends},
    {'s', &Machine::SetItem},
    {'u', &Machine::SetItems},
    {'q', &Machine::Put<1>},
    {'r', &Machine::Put<4>},
    {'\x94', &Machine::PutNext, In::kTorchSave},
    {'h', &Machine::Get<1>},
    {'j', &Machine::Get<4>},
    {'c', &Machine::GlobalName},
    {'\x93', &Machine::StackGlobal, In::kTorchSave},
    {'Q', &Machine::PersistentId},
    {'R', &Machine::Reduce},
    {'l', &Machine::List, In::kTorchScript},
    {'d', &Machine::Dict, In::kTorchScript},
    {'\x81', &Machine::NewObject, In::kTorchScript},
    {'b', &Machine::Build, In::kTorchScript},
    {'\0', nullptr},
};

}  // namespace

absl::StatusOr<Pickle> ReadPickle(string_view code, const PickleRules& rules) {
  return Machine(code, rules).Run();
}

}  // namespace ingot::archive

#include "frontends/pt2/pytree.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/json.h"

namespace ingot::pt2 {
namespace {

using Kind = ir::Structure::Kind;

constexpr int64_t kVersion = 1;

struct Container {
  absl::string_view type;
  Kind kind;
};
constexpr Container kContainers[] = {
    {"builtins.tuple", Kind::kTuple},         {"builtins.list", Kind::kList},
    {"builtins.dict", Kind::kDict},           {"collections.OrderedDict", Kind::kDict},
    {"collections.namedtuple", Kind::kTuple}, {"torch.Size", Kind::kTuple},
    {"collections.deque", Kind::kList},       {"collections.defaultdict", Kind::kDict},
};

absl::Status Malformed(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the nesting of arguments or results: ", why));
}

// A dict's keys: a JSON list in a string; a defaultdict's has them below "dict_context".
absl::StatusOr<std::vector<std::string>> ParseKeys(const Json* context) {
  if (context == nullptr || context->As<std::string>() == nullptr)
    return Malformed("a dict has no keys");
  INGOT_ASSIGN_OR_RETURN(const Json json, ParseJson(*context->As<std::string>()));
  const Json* list = &json;
  if (const Json* inner = json.Find("dict_context"); inner != nullptr) list = inner;
  const auto* keys = list->As<Json::Array>();
  if (keys == nullptr) return Malformed("a dict's keys are no list");
  std::vector<std::string> texts;
  for (const Json& key : *keys) {
    if (const auto* text = key.As<std::string>()) {
      texts.push_back(*text);
    } else if (const auto* number = key.As<int64_t>()) {
      texts.push_back(absl::StrCat(*number));
    } else {
      return absl::UnimplementedError(
          absl::StrCat("a dict key that is ", key.KindName(), " is not supported: use strings"));
    }
  }
  return texts;
}

absl::StatusOr<TreeSpec> ParseNode(const Json& json, int depth) {
  if (depth > ir::kMaxStructureDepth) {
    return Malformed(absl::StrCat("deeper than ", ir::kMaxStructureDepth));
  }
  const Json* type = json.Find("type");
  const Json* children = json.Find("children_spec");
  if (type == nullptr || children == nullptr || children->As<Json::Array>() == nullptr) {
    return Malformed("a node lacks its type or its children");
  }
  TreeSpec spec;
  const auto& list = *children->As<Json::Array>();
  if (type->IsNull()) {
    if (!list.empty()) return Malformed("a leaf has children");
    return spec;
  }
  const auto* name = type->As<std::string>();
  if (name == nullptr) return Malformed("a node's type is no string");
  for (const Container& container : kContainers) {
    if (container.type == *name) spec.kind = container.kind;
  }
  if (spec.is_leaf()) {
    return absl::UnimplementedError(
        absl::StrCat("arguments or results in a ", *name,
                     " are not supported: return tuples, lists, dicts and named tuples"));
  }
  for (const Json& child : list) {
    INGOT_ASSIGN_OR_RETURN(TreeSpec parsed, ParseNode(child, depth + 1));
    spec.children.push_back(std::move(parsed));
  }
  if (spec.kind == Kind::kDict) {
    INGOT_ASSIGN_OR_RETURN(spec.keys, ParseKeys(json.Find("context")));
    if (spec.keys.size() != spec.children.size()) return Malformed("a dict has more or fewer keys");
  }
  return spec;
}

ir::Structure Fill(const TreeSpec& spec, const std::vector<ir::Structure>& leaves, size_t& next) {
  if (spec.is_leaf()) return leaves[next++];
  ir::Structure structure;
  structure.kind = spec.kind;
  structure.keys = spec.keys;
  for (const TreeSpec& child : spec.children) {
    structure.children.push_back(Fill(child, leaves, next));
  }
  return structure;
}

}  // namespace

size_t TreeSpec::CountLeaves() const {
  if (is_leaf()) return 1;
  size_t count = 0;
  for (const TreeSpec& child : children) count += child.CountLeaves();
  return count;
}

absl::StatusOr<TreeSpec> ParseTreeSpec(absl::string_view text) {
  INGOT_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  const auto* pair = json.As<Json::Array>();
  if (pair == nullptr || pair->size() != 2) return Malformed("not [version, spec]");
  const auto* version = (*pair)[0].As<int64_t>();
  if (version == nullptr || *version != kVersion) return Malformed("of another version than 1");
  return ParseNode((*pair)[1], 0);
}

absl::StatusOr<ir::Structure> ToStructure(const TreeSpec& spec,
                                          const std::vector<ir::Structure>& leaves) {
  if (const size_t count = spec.CountLeaves(); count != leaves.size()) {
    return Malformed(absl::StrCat("has ", count, " leaves; the graph has ", leaves.size()));
  }
  size_t next = 0;
  return Fill(spec, leaves, next);
}

absl::StatusOr<ir::Structure> ToArguments(const TreeSpec& in_spec,
                                          const std::vector<ir::Structure>& leaves) {
  INGOT_ASSIGN_OR_RETURN(ir::Structure pair, ToStructure(in_spec, leaves));
  if (pair.kind != Kind::kTuple || pair.children.size() != 2 ||
      pair.children[0].kind != Kind::kTuple || pair.children[1].kind != Kind::kDict) {
    return Malformed("not a tuple of arguments with a dict of keyword arguments");
  }
  ir::Structure arguments = std::move(pair.children[0]);
  for (ir::Structure& keyword : pair.children[1].children) {
    arguments.children.push_back(std::move(keyword));
  }
  return arguments;
}

}  // namespace ingot::pt2

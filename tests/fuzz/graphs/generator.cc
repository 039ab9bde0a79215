#include "tests/fuzz/graphs/generator.h"

#include <utility>
#include <vector>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

struct Table {
  std::vector<Emitter> emitters;
  int64_t weight = 0;

  void Add(const std::vector<Emitter>& more) {
    for (const Emitter& emitter : more) weight += emitter.weight;
    emitters.insert(emitters.end(), more.begin(), more.end());
  }
  const Emitter& Draw(Rng& rng) const {
    int64_t at = rng.Int(0, weight - 1);
    for (const Emitter& emitter : emitters) {
      at -= emitter.weight;
      if (at < 0) return emitter;
    }
    return emitters.back();
  }
};

Table MakeTable(bool is_program) {
  Table table;
  table.Add(UnaryEmitters());
  table.Add(PointwiseEmitters());
  table.Add(MoveEmitters());
  table.Add(IndexEmitters());
  table.Add(ReduceEmitters());
  table.Add(LayerEmitters());
  table.Add(RandomEmitters());
  table.Add(MoreEmitters());
  if (is_program) {
    // Views and writes are what programs are about.
    table.Add(MoveEmitters());
    table.Add(InPlaceEmitters());
  }
  return table;
}

const Table& TableFor(bool is_program) {
  static const Table& graphs = *new Table(MakeTable(false));
  static const Table& programs = *new Table(MakeTable(true));
  return is_program ? programs : graphs;
}

}  // namespace

Case Generate(uint64_t seed) {
  const bool is_program = seed % 3 == 2;
  Gen gen(seed, is_program);
  const auto wanted = static_cast<size_t>(gen.rng().Int(10, 60));
  const Table& table = TableFor(is_program);
  for (int attempt = 0; gen.num_nodes() < wanted && attempt < 1000; ++attempt) {
    table.Draw(gen.rng()).emit(gen);
  }
  return std::move(gen).Finish();
}

void CountOps(const Case& c, std::map<std::string, int64_t>& counts) {
  for (const ir::Node& node : c.graph.nodes()) ++counts[node.op];
}

}  // namespace ingot::fuzz

#include "core/runtime/specializations.h"

#include <atomic>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/runtime/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

ir::Signature SignatureOf(std::vector<ir::Dims> sizes) {
  ir::Signature signature;
  std::vector<ir::Structure> children;
  for (ir::Dims& dims : sizes) {
    const auto slot = static_cast<uint32_t>(signature.arguments.size());
    signature.arguments.push_back({{ir::DType::kFloat32, std::move(dims)}, {}});
    signature.aliases.push_back({slot, 0});
    children.push_back(ir::Structure::Tensor(static_cast<int32_t>(slot)));
  }
  signature.arguments_structure = ir::Structure::Tuple(std::move(children));
  return signature;
}

// Compiles a graph that negates its one argument, and counts.
class Compiler {
 public:
  Specializations::Compile For(const ir::Signature& signature) {
    return [this, signature]() -> absl::StatusOr<Specializations::Graph> {
      ++count;
      ir::GraphBuilder b("neg");
      b.Result(b.Op("aten::neg", {ir::ValueRef{b.Argument(signature.arguments[0].type)}}));
      ir::Recording recording;
      recording.graph = *std::move(b).Build();
      recording.signature = signature;
      return session_->Compile(std::move(recording));
    };
  }
  std::atomic<int> count = 0;

 private:
  static std::shared_ptr<Session> NewSession() {
    Options options;
    options.backend = "reference";
    return *Session::Create(options);
  }
  std::shared_ptr<Session> session_ = NewSession();
};

TEST(SpecializationsTest, ASignatureIsCompiledOnceAndAnotherForItsReason) {
  Compiler compiler;
  Specializations graphs(1 << 20, 8);
  const ir::Signature small = SignatureOf({{2, 3}}), large = SignatureOf({{4, 3}});
  const auto first = graphs.GetOrCompile(small, compiler.For(small));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*graphs.GetOrCompile(small, compiler.For(small)), *first);
  ASSERT_THAT(graphs.GetOrCompile(large, compiler.For(large)), IsOk());
  EXPECT_EQ(compiler.count, 2);
  EXPECT_THAT(graphs.events(), ElementsAre(Field(&Specializations::Event::reason, "first call"),
                                           Field(&Specializations::Event::reason,
                                                 "argument 0 is f32[4,3], not f32[2,3]")));
}

TEST(SpecializationsTest, ManyThreadsCompileOneSignatureOnce) {
  Compiler compiler;
  Specializations graphs(1 << 20, 8);
  const ir::Signature signature = SignatureOf({{2}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { EXPECT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(compiler.count, 1);
}

TEST(SpecializationsTest, CompilationsAreBounded) {
  Compiler compiler;
  Specializations graphs(1 << 20, 2);
  for (int64_t size = 1; size <= 2; ++size) {
    const ir::Signature signature = SignatureOf({{size}});
    ASSERT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk());
  }
  const ir::Signature third = SignatureOf({{3}});
  EXPECT_THAT(graphs.GetOrCompile(third, compiler.For(third)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2 signatures")));
  const ir::Signature known = SignatureOf({{2}});
  EXPECT_THAT(graphs.GetOrCompile(known, compiler.For(known)), IsOk());
}

TEST(SpecializationsTest, FailuresAreNotKept) {
  Compiler compiler;
  Specializations graphs(1 << 20, 1);
  const ir::Signature signature = SignatureOf({{2}});
  const auto fail = [] {
    return absl::StatusOr<Specializations::Graph>(absl::UnimplementedError("no"));
  };
  EXPECT_THAT(graphs.GetOrCompile(signature, fail), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk());
}

TEST(SpecializationsTest, ClearCompilesAgainAndSaysWhy) {
  Compiler compiler;
  Specializations graphs(1 << 20, 8);
  const ir::Signature signature = SignatureOf({{2}});
  ASSERT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk());
  graphs.Clear("\"weight\" was changed");
  ASSERT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk());
  EXPECT_EQ(compiler.count, 2);
  EXPECT_EQ(graphs.events().back().reason, "\"weight\" was changed");
}

TEST(SpecializationsTest, GraphsThatDoNotFitTheCapacityAreDroppedButTheNewest) {
  Compiler compiler;
  Specializations graphs(0, 8);
  const ir::Signature small = SignatureOf({{2}}), large = SignatureOf({{3}});
  ASSERT_THAT(graphs.GetOrCompile(small, compiler.For(small)), IsOk());
  ASSERT_THAT(graphs.GetOrCompile(small, compiler.For(small)), IsOk());
  EXPECT_EQ(compiler.count, 1);
  ASSERT_THAT(graphs.GetOrCompile(large, compiler.For(large)), IsOk());
  ASSERT_THAT(graphs.GetOrCompile(small, compiler.For(small)), IsOk());
  EXPECT_EQ(compiler.count, 3);
  EXPECT_EQ(graphs.events().back().reason, "its graph was dropped to make room");
}

TEST(SpecializationsTest, ASignatureThatWasCompiledBeforeIsNeverRefused) {
  Compiler compiler;
  Specializations graphs(0, 2);
  const ir::Signature small = SignatureOf({{2}}), large = SignatureOf({{3}});
  for (int round = 0; round < 4; ++round) {
    ASSERT_THAT(graphs.GetOrCompile(small, compiler.For(small)), IsOk());
    ASSERT_THAT(graphs.GetOrCompile(large, compiler.For(large)), IsOk());
  }
  const ir::Signature third = SignatureOf({{4}});
  EXPECT_THAT(graphs.GetOrCompile(third, compiler.For(third)),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(SpecializationsTest, SignaturesAreCountedAnewAfterClear) {
  Compiler compiler;
  Specializations graphs(1 << 20, 1);
  for (int64_t size = 1; size < 5; ++size) {
    const ir::Signature signature = SignatureOf({{size}});
    ASSERT_THAT(graphs.GetOrCompile(signature, compiler.For(signature)), IsOk());
    graphs.Clear("\"weight\" was changed");
  }
}

TEST(DifferenceTest, NamesWhatDiffersFirst) {
  const ir::Signature plain = SignatureOf({{2, 3}, {2, 3}});
  struct Case {
    void (*change)(ir::Signature&);
    const char* difference;
  };
  const Case cases[] = {
      {[](ir::Signature&) {}, ""},
      {[](ir::Signature& s) { s.arguments[1].type.dtype = ir::DType::kInt64; },
       "argument 1 is i64[2,3], not f32[2,3]"},
      {[](ir::Signature& s) {
         s.arguments[1].strides = {1, 2};
       },
       "argument 1 is f32[2,3] strides [1,2], not f32[2,3]"},
      {[](ir::Signature& s) {
         s.aliases[1] = {0, 0};
       },
       "argument 1 begins 0 bytes after argument 0; earlier it shares no earlier argument's "
       "memory"},
      {[](ir::Signature& s) { s.arguments_structure.children[1].slot = 0; },
       "the arguments are (T0, T0), not (T0, T1)"},
      {[](ir::Signature& s) {
         s.arguments.pop_back();
         s.aliases.pop_back();
       },
       "1 tensor arguments, not 2"},
  };
  for (const Case& c : cases) {
    ir::Signature call = plain;
    c.change(call);
    EXPECT_EQ(Difference(call, plain), c.difference);
  }
}

}  // namespace
}  // namespace ingot::runtime

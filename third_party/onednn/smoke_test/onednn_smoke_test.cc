#include <gtest/gtest.h>
#include <oneapi/dnnl/dnnl.h>

namespace {

TEST(OnednnSmokeTest, LinkedLibraryIsTheVersionOfTheHeaders) {
  const dnnl_version_t* version = dnnl_version();
  EXPECT_EQ(version->major, DNNL_VERSION_MAJOR);
  EXPECT_EQ(version->minor, DNNL_VERSION_MINOR);
}

TEST(OnednnSmokeTest, CreatesACpuEngine) {
  dnnl_engine_t engine = nullptr;
  ASSERT_EQ(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
  EXPECT_EQ(dnnl_engine_destroy(engine), dnnl_success);
}

}  // namespace

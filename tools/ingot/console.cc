#include "tools/ingot/console.h"

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ingot::tools {

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void PrintJsonLine(const Json& json) { PrintText(JsonText(json)); }

void PrintNote(absl::string_view line) {
  const std::string text = absl::StrCat("ingot: ", line, "\n");
  std::fputs(text.c_str(), stderr);
}

void PrintText(absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!absl::EndsWith(text, "\n")) std::fputc('\n', stdout);
  std::fflush(stdout);
}

double Rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

Progress::Progress(std::string what) : what_(std::move(what)) {
  if (isatty(STDERR_FILENO) != 0) thread_ = std::thread([this] { Show(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
  }
  finished_.notify_one();
  thread_.join();
}

void Progress::Show() {
  std::unique_lock<std::mutex> lock(mutex_);
  int seconds = 1;
  for (; !finished_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; }); ++seconds) {
    std::fprintf(stderr, "\r\033[K%s ... %d s", what_.c_str(), seconds);
  }
  if (seconds > 1) std::fputs("\r\033[K", stderr);
}

}  // namespace ingot::tools

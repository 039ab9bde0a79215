// What the CLI prints: results on stdout, everything else on stderr.
//
//   Progress progress("recording resnet50.pt");     // shown once it has taken a second
//   PrintJsonLine({{"model", path}});
#ifndef INGOT_TOOLS_INGOT_CONSOLE_H_
#define INGOT_TOOLS_INGOT_CONSOLE_H_

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"

namespace ingot::tools {

using Json = nlohmann::ordered_json;

// One line on stdout, flushed: a reader sees whole lines, also if the process is interrupted.
// Numbers that JSON lacks (nan, inf) become null, malformed UTF-8 the replacement character.
void PrintJsonLine(const Json& json);
std::string JsonText(const Json& json);

// `text` on stdout, with a newline unless it ends in one; flushed.
void PrintText(absl::string_view text);

// One line on stderr: what a user should know besides the results.
void PrintNote(absl::string_view line);

// `value` with `digits` digits after the point, for JSON that people read too.
double Rounded(double value, int digits = 3);

// Says on stderr what is being done, once it has taken over a second, and only on a terminal. The
// line goes away when it is done.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Show();

  std::string what_;
  std::mutex mutex_;
  std::condition_variable finished_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_CONSOLE_H_

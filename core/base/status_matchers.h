// gMock matchers over absl::Status and absl::StatusOr<T>, for tests.
//
//   EXPECT_THAT(Load(path), IsOk());
//   EXPECT_THAT(Half(8), IsOkAndHolds(4));
//   EXPECT_THAT(Load("none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
#ifndef INGOT_CORE_BASE_STATUS_MATCHERS_H_
#define INGOT_CORE_BASE_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot {
namespace internal {

inline const absl::Status& StatusOfResult(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOfResult(const absl::StatusOr<T>& result) {
  return result.status();
}

template <typename Matcher>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(Matcher matcher) : matcher_(std::move(matcher)) {}

  template <typename StatusOrType>
  operator testing::Matcher<StatusOrType>() const {  // NOLINT: matchers convert implicitly.
    return testing::Matcher<StatusOrType>(new Impl<const std::decay_t<StatusOrType>&>(matcher_));
  }

 private:
  template <typename StatusOrType>
  class Impl : public testing::MatcherInterface<StatusOrType> {
   public:
    using Value = typename std::decay_t<StatusOrType>::value_type;

    explicit Impl(const Matcher& matcher)
        : matcher_(testing::SafeMatcherCast<const Value&>(matcher)) {}

    bool MatchAndExplain(StatusOrType result,
                         testing::MatchResultListener* listener) const override {
      if (!result.ok()) {
        *listener << "which is the error " << result.status().ToString();
        return false;
      }
      return matcher_.MatchAndExplain(*result, listener);
    }

    void DescribeTo(std::ostream* os) const override {
      *os << "is OK and its value ";
      matcher_.DescribeTo(os);
    }

    void DescribeNegationTo(std::ostream* os) const override {
      *os << "is an error, or its value ";
      matcher_.DescribeNegationTo(os);
    }

   private:
    const testing::Matcher<const Value&> matcher_;
  };

  const Matcher matcher_;
};

}  // namespace internal

// Matches an OK absl::Status or absl::StatusOr<T>.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const absl::Status& status = internal::StatusOfResult(arg);
  if (!status.ok()) *result_listener << "which is the error " << status.ToString();
  return status.ok();
}

// Matches an OK absl::StatusOr<T> whose value matches `matcher` (a matcher or a value).
template <typename Matcher>
internal::IsOkAndHoldsMatcher<std::decay_t<Matcher>> IsOkAndHolds(Matcher&& matcher) {
  return internal::IsOkAndHoldsMatcher<std::decay_t<Matcher>>(std::forward<Matcher>(matcher));
}

// Matches an absl::Status or absl::StatusOr<T> with this code, and a message that matches
// `message`.
MATCHER_P2(StatusIs, code, message,
           testing::DescribeMatcher<absl::StatusCode>(code, negation) +
               (negation ? ", or its message " : ", and its message ") +
               testing::DescribeMatcher<std::string>(message, negation)) {
  const absl::Status& status = internal::StatusOfResult(arg);
  *result_listener << "which is " << status.ToString();
  return testing::Matches(code)(status.code()) &&
         testing::Matches(message)(std::string(status.message()));
}

// Matches an absl::Status or absl::StatusOr<T> with this code.
inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, testing::_); }

}  // namespace ingot

#endif  // INGOT_CORE_BASE_STATUS_MATCHERS_H_

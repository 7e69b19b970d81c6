// SPDX-License-Identifier: Apache-2.0
#include "registry/model/refusal.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "registry/model/resources.h"

namespace latchkey::registry {
namespace {

bool is_given(int number) {
  return number == 0 || faces(static_cast<Reason>(number)).reason == static_cast<Reason>(number);
}

TEST(Refusal, every_reason_has_faces_of_its_own) {
  // The bands as refusal.h gives them out. A new reason without a row in the table shows here.
  const std::pair<Reason, Reason> bands[] = {{Reason::kNone, Reason::kStaleVerdict},
                                             {Reason::kTokenInvalid, Reason::kNotConfigured},
                                             {Reason::kInvalidName, Reason::kCertificateRevoked},
                                             {Reason::kStorage, Reason::kQueueFull}};
  for (const auto& [first, last] : bands) {
    for (int number = static_cast<int>(first); number <= static_cast<int>(last); ++number) {
      EXPECT_TRUE(is_given(number)) << "reason " << number;
    }
  }
}

TEST(Refusal, numbers_stay_below_the_limit_that_counters_have) {
  EXPECT_LT(static_cast<int>(Reason::kQueueFull), kReasonLimit);
}

TEST(Refusal, names_are_unique_and_not_empty) {
  std::set<std::string_view> names;
  for (int number = 0; number < kReasonLimit; ++number) {
    if (!is_given(number)) continue;
    const auto name = to_string(static_cast<Reason>(number));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Refusal, unknown_number_shows_as_internal_error) {
  EXPECT_EQ(faces(static_cast<Reason>(127)).reason, Reason::kInternal);
}

TEST(Refusal, refusals_have_an_error_status_for_management_and_cli) {
  for (int number = 1; number < kReasonLimit; ++number) {
    if (!is_given(number)) continue;
    const auto& face = faces(static_cast<Reason>(number));
    EXPECT_GE(face.http_status, 400) << face.name;
    EXPECT_NE(face.exit_status, 0) << face.name;
    EXPECT_FALSE(face.arm_code.empty()) << face.name;
  }
}

TEST(Refusal, device_protocol_errors_carry_an_http_status_in_front) {
  for (int number = 1; number < kReasonLimit; ++number) {
    if (!is_given(number)) continue;
    const auto& face = faces(static_cast<Reason>(number));
    for (const int error : {face.dps_error, face.hub_error}) {
      if (error == 0) continue;
      EXPECT_THAT(error / 1000, testing::AllOf(testing::Ge(400), testing::Le(599))) << face.name;
    }
  }
}

TEST(Refusal, refuse_makes_an_error_outcome) {
  const Outcome<int> outcome = refuse(Reason::kNotFound, "no such thing");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kNotFound);
  EXPECT_EQ(outcome.error().detail, "no such thing");
}

TEST(KeyProfile, names_parse_back) {
  for (const KeyProfile profile : {KeyProfile::kEcP256, KeyProfile::kEcP384}) {
    EXPECT_EQ(parse_key_profile(to_string(profile)), profile);
  }
}

TEST(KeyProfile, other_names_are_refused) {
  for (const char* name : {"", "rsa-2048", "EC-P256", "ec-p256 "}) EXPECT_FALSE(parse_key_profile(name)) << name;
}

}  // namespace
}  // namespace latchkey::registry

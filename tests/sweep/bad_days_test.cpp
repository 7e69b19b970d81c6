// SPDX-License-Identifier: Apache-2.0
// A service that misbehaves for days must not be paid back by a device that comes again and again. Each row is a bad
// state; a day in it is lived through, and connections, requests, certificates and bytes are held to a bound.
//
// Where the bounds come from: back-off ends at one try a minute (1,440 a day, 1,800 with a fifth of jitter), the slow
// wait at one try an hour after 15 and 30 minutes (26 a day, some 31 with jitter, each with up to three connections), a
// refused renewal at one in 15 minutes, one that made a new key at one in 4 % of the lifetime.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/sweep/rig.h"

namespace latchkey::sweep {
namespace {

constexpr std::uint64_t kLifetimeMs = 30 * kDayMs;

// At most so much in a day.
struct Bounds {
  std::uint64_t connects;
  std::uint64_t requests;  // registrations, polls and renewals
  unsigned issued;
  std::uint64_t bytes;
};

enum class From : std::uint8_t {
  kNothing,     // a fresh device
  kRevoked,     // one that lived and was revoked
  kLive,        // one that is live, its renewal not due
  kRenewalDue,  // live, and its renewal is due
};

struct BadState {
  const char* name;
  From from;
  void (*bend)(Rig&);
  Bounds bounds;
};

using Manner = std::function<Answer(SimHub&, const std::string&)>;

Manner always(Answer answer) {
  return [answer](SimHub&, const std::string&) { return answer; };
}

void renewals(Rig& rig, Manner manner) { rig.hub.manners.renewal = std::move(manner); }
void registrations(Rig& rig, Manner manner) { rig.hub.manners.registration = std::move(manner); }

std::string refusal(int code) { return R"({"errorCode":)" + std::to_string(code) + R"(,"message":"m"})"; }

std::string assigned(const std::vector<std::string>& chain) {
  return test::assigned_body("hub.example:8883", kDevice, chain);
}

// As issued, but by a wrong choice of `options`.
Answer misissued(SimHub& hub, const std::string& csr, test::LeafOptions options, bool renewal) {
  const auto chain = hub.issue(csr, options);
  return {200, renewal ? test::certificates_body(chain) : assigned(chain)};
}

test::LeafOptions another_device() {
  test::LeafOptions options;
  options.common_name = "dev-2";
  return options;
}

test::LeafOptions another_key() {
  static const test::Pkey key = test::make_ec_key();
  test::LeafOptions options;
  options.key = key.get();
  return options;
}

void admissions(Rig& rig, ports::LinkFailure why, int detail) {
  rig.hub.manners.admission = [why, detail](bool to_dps) { return Verdict{to_dps, why, detail}; };
}

// clang-format off: a row is a line
const BadState kBadRenewals[] = {
    {"never answered",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({200, "", -1, 0, 0, false}));
     },
     {2, 10, 1, 10'000}},
    {"accepted and never issued",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({200, "", -1, 0, 0}));
     },
     {2, 10, 1, 10'000}},
    {"issued after ten minutes",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, [](SimHub& h, const std::string& csr) {
         return Answer{200, test::certificates_body(h.issue(csr)), -1, 600'000};
       });
     },
     {3, 10, 5, 20'000}},
    {"issued twice",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, [](SimHub& h, const std::string& csr) {
         return Answer{200, test::certificates_body(h.issue(csr)), -1, 0, 2};
       });
     },
     {3, 2, 1, 10'000}},
    {"another device's certificate",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, [](SimHub& h, const std::string& csr) { return misissued(h, csr, another_device(), true); });
     },
     {2, 2, 2, 10'000}},
    {"a chain that does not fit the key",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, [](SimHub& h, const std::string& csr) { return misissued(h, csr, another_key(), true); });
     },
     {2, 2, 2, 10'000}},
    {"nonsense",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({200, "{"}));
     },
     {2, 2, 1, 5'000}},
    {"issued, then refused by the hub",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, [](SimHub& h, const std::string& csr) {
         h.spoil_next();
         return Answer{200, test::certificates_body(h.issue(csr))};
       });
     },
     {5, 2, 2, 10'000}},
    {"conflict",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({409, R"({"errorCode":409005,"info":{"requestId":"other-1"}})"}));
     },
     {2, 150, 1, 150'000}},
    {"replace names nothing",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({412, refusal(412001)}));
     },
     {2, 150, 1, 150'000}},
    {"throttled",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({429, refusal(429002)}));
     },
     {2, 150, 1, 150'000}},
    {"throttled for an hour",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({429, R"({"errorCode":429002,"retryAfter":3600})"}));
     },
     {2, 25, 1, 50'000}},
    {"unavailable",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({503, refusal(503001)}));
     },
     {2, 150, 1, 150'000}},
    {"service fault",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({500, refusal(500001)}));
     },
     {2, 300, 1, 300'000}},
    {"the device vanished meanwhile",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({503, refusal(503102)}));
     },
     {150, 150, 1, 200'000}},
    {"not allowed",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({403, refusal(403010)}));
     },
     {2, 2, 1, 5'000}},
    {"an unlucky CSR",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({400, refusal(400037)}));
     },
     {2, 2, 1, 5'000}},
    {"gone",
     From::kRenewalDue,
     [](Rig& r) {
       renewals(r, always({404, refusal(404001)}));
     },
     {4, 4, 2, 20'000}},
};

const BadState kBadProvisioning[] = {
    {"assigned without a chain",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({200, assigned({})}));
     },
     {80, 80, 1, 100'000}},
    {"assigned without a chain, fresh",
     From::kNothing,
     [](Rig& r) {
       registrations(r, always({200, assigned({})}));
     },
     {40, 80, 0, 100'000}},
    {"a chain for another key",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, [](SimHub& h, const std::string& csr) { return misissued(h, csr, another_key(), false); });
     },
     {80, 80, 40, 200'000}},
    {"a chain for another device",
     From::kNothing,
     [](Rig& r) {
       registrations(r, [](SimHub& h, const std::string& csr) { return misissued(h, csr, another_device(), false); });
     },
     {40, 80, 40, 200'000}},
    {"assigned, then refused by the hub",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, [](SimHub& h, const std::string& csr) {
         h.spoil_next();
         return Answer{200, assigned(h.issue(csr))};
       });
     },
     {120, 80, 40, 200'000}},
    {"assigning for ever",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({202, R"({"operationId":"5.op","status":"assigning"})", 3}));
     },
     {80, 4'500, 1, 900'000}},
    {"never answered",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({200, "", -1, 0, 0}));
     },
     {1'800, 3'600, 1, 2'000'000}},
    {"throttled",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({429, refusal(429001)}));
     },
     {60, 250, 1, 60'000}},
    {"fault of the service",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({500, ""}));
     },
     {60, 250, 1, 60'000}},
    {"nonsense",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({200, "{"}));
     },
     {60, 250, 1, 60'000}},
    {"not authorized",
     From::kRevoked,
     [](Rig& r) {
       registrations(r, always({401, refusal(401002)}));
     },
     {70, 70, 1, 60'000}},
    {"unknown",
     From::kNothing,
     [](Rig& r) {
       registrations(r, always({404, refusal(404201)}));
     },
     {40, 70, 0, 60'000}},
    {"disabled", From::kRevoked, [](Rig& r) { r.hub.set_enabled(false); }, {70, 70, 1, 60'000}},
};

const BadState kBadLinks[] = {
    {"the hub is out of reach",
     From::kLive,
     [](Rig& r) { admissions(r, ports::LinkFailure::kUnreachable, 0); },
     {1'900, 100, 100, 100'000}},
    {"the hub is unavailable",
     From::kLive,
     [](Rig& r) { admissions(r, ports::LinkFailure::kRefused, 3); },
     {1'900, 100, 100, 100'000}},
    {"TLS ends with an alert",
     From::kLive,
     [](Rig& r) { admissions(r, ports::LinkFailure::kTlsAlert, 46); },
     {1'900, 100, 100, 100'000}},
    {"CONNACK 5 for whatever is shown",
     From::kLive,
     [](Rig& r) { admissions(r, ports::LinkFailure::kRefused, 5); },
     {120, 80, 40, 200'000}},
};
// clang-format on

class BadDay : public testing::TestWithParam<BadState> {};

void lead_to(From from, Rig& rig) {
  rig.hub.lifetime_ms = kLifetimeMs;
  rig.config.telemetry_interval_ms = 0;
  if (from == From::kNothing) return;
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  if (from == From::kRenewalDue) rig.clock.advance(kLifetimeMs * 86 / 100);
}

// What the services saw of it in that day.
void expect_within(const BadState& row, const Traffic& before, unsigned issued_before, Rig& rig) {
  const Traffic& t = rig.board().link.traffic;
  const std::uint64_t connects = t.connects - before.connects;
  const std::uint64_t requests = t.registers + t.polls + t.renewals - before.registers - before.polls - before.renewals;
  const std::uint64_t bytes = t.bytes - before.bytes;
  const unsigned issued = rig.hub.issued() - issued_before;
  EXPECT_LE(connects, row.bounds.connects);
  EXPECT_LE(requests, row.bounds.requests);
  EXPECT_LE(issued, row.bounds.issued);
  EXPECT_LE(bytes, row.bounds.bytes);
  std::printf("day: %s: %llu connections, %llu requests, %u certificates, %llu bytes, %u changes of storage\n",
              row.name, static_cast<unsigned long long>(connects), static_cast<unsigned long long>(requests), issued,
              static_cast<unsigned long long>(bytes), rig.storage.changes());
}

TEST_P(BadDay, stays_within_its_bounds_and_ends) {
  const BadState& row = GetParam();
  Rig rig;
  lead_to(row.from, rig);
  if (row.from == From::kNothing) {
    row.bend(rig);
    rig.start();
  } else {
    row.bend(rig);
    if (row.from == From::kRevoked) rig.revoke();
    if (row.from == From::kLive) rig.board().link.cut();
  }
  const Traffic before = row.from == From::kNothing ? Traffic{} : rig.board().link.traffic;
  const unsigned issued = rig.hub.issued();
  rig.run_for(kDayMs);
  expect_within(row, before, issued, rig);
  rig.hub.behave();
  EXPECT_TRUE(rig.run_until([&] { return rig.state() == agent::State::kLive; }, 2 * kHourMs))
      << "does not come back: " << agent::to_string(rig.state());
  EXPECT_EQ(rig.summary().broken_promises, 0u);
}

std::string name_of(const testing::TestParamInfo<BadState>& row) {
  std::string name(row.param.name);
  name.erase(std::remove_if(name.begin(), name.end(), [](char c) { return c == '\'' || c == ','; }), name.end());
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Renewals, BadDay, testing::ValuesIn(kBadRenewals), name_of);
INSTANTIATE_TEST_SUITE_P(Provisioning, BadDay, testing::ValuesIn(kBadProvisioning), name_of);
INSTANTIATE_TEST_SUITE_P(Links, BadDay, testing::ValuesIn(kBadLinks), name_of);

// Two boards with one identity, or a hub that lets everybody in and nobody stay.
void be_cut_again_and_again(std::uint32_t telemetry_ms, std::uint64_t session_ms, std::uint64_t most_connects) {
  Rig rig;
  rig.hub.lifetime_ms = kLifetimeMs;
  rig.config.telemetry_interval_ms = telemetry_ms;
  rig.start();
  const ports::MonotonicMs end = rig.clock.monotonic() + kDayMs;
  while (rig.clock.monotonic() < end) {
    ASSERT_TRUE(rig.run_until_live());
    rig.run_for(session_ms);
    rig.board().link.cut();
  }
  EXPECT_LE(rig.board().link.traffic.connects, most_connects);
  std::printf("day: sessions of %llu ms: %llu connections\n", static_cast<unsigned long long>(session_ms),
              static_cast<unsigned long long>(rig.board().link.traffic.connects));
}

TEST(BadDay, session_that_is_cut_at_once_is_taken_up_ever_more_slowly) { be_cut_again_and_again(0, 10, 1'900); }
TEST(BadDay, session_that_is_cut_after_its_first_telemetry_is_taken_up_ever_more_slowly) {
  be_cut_again_and_again(1'000, 2'000, 1'900);
}

// A hub that lets a fresh certificate in and revokes it seconds later, all day long.
TEST(BadDay, device_that_is_revoked_again_and_again_comes_back_ever_more_slowly) {
  Rig rig;
  rig.hub.lifetime_ms = kLifetimeMs;
  rig.start();
  const ports::MonotonicMs end = rig.clock.monotonic() + kDayMs;
  for (int i = 0; rig.clock.monotonic() < end; ++i) {
    ASSERT_TRUE(rig.run_until_live(i < 10 ? 5'000 : 100'000)) << "ten times at once, then slowly";
    rig.run_for(2'000);
    rig.revoke();
  }
  EXPECT_LE(rig.hub.issued(), 1'900u);
  EXPECT_LE(rig.board().link.traffic.connects, 3 * 1'900u);
}

// The other side: a session that was of use is taken up again at once.
TEST(BadDay, session_that_has_lasted_is_taken_up_again_within_two_seconds) {
  Rig rig;
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  for (int i = 0; i < 5; ++i) {
    rig.run_for(10 * 60'000);
    rig.board().link.cut();
    EXPECT_TRUE(rig.run_until_live(2'000));
  }
}

}  // namespace
}  // namespace latchkey::sweep

// SPDX-License-Identifier: Apache-2.0
// `latchkey up --parity azure-preview` (docs/parity.md), on real brokers: what the preview of the real service would
// refuse is refused, and the rest works as ever.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kBadInput = 2;
constexpr int kRefused = 4;
constexpr int kCsrRejected = 400040;

class AzurePreview : public HubTest<AzurePreview> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.key_profile = "";
    options.more = {"--parity", "azure-preview"};
    return options;
  }

 protected:
  static json ask(const std::string& id, const Key& key) { return hub().try_provision(id, hub().token(id), key); }

  // The answer to a request for another certificate over the device's session: its status, and what it says.
  static std::pair<int, json> renew(const std::string& id, const Identity& identity, const Key& key) {
    auto options = hub().hub_options(id, identity);
    options.username = hub().hub_host() + "/" + id + "/?api-version=2025-08-01-preview";
    DeviceClient client(options);
    EXPECT_EQ(client.connect().text(), "accepted");
    EXPECT_EQ(client.subscribe("$iothub/credentials/res/#"), 1);
    const json body = {{"id", id}, {"csr", make_csr(key, id)}};
    EXPECT_TRUE(client.publish("$iothub/credentials/POST/issueCertificate/?$rid=0001", body.dump()));
    const auto answer = client.wait_message([](const Message& message) {
      return message.topic.find("/res/202/") == std::string::npos;  // what comes of it, not that it runs
    });
    if (!answer) return {0, {}};
    const std::string prefix = "$iothub/credentials/res/";
    return {std::stoi(answer->topic.substr(prefix.size())), json::parse(answer->payload)};
  }
};

TEST_F(AzurePreview, it_is_told_wherever_one_looks) {
  const auto status = hub().json({"status"});
  EXPECT_EQ(status.at("parity"), json::array({"azure-preview"}));
  EXPECT_EQ(status.at("roles"), "seed") << "roles are another value";
  EXPECT_EQ(json::parse(read_text(hub().data() / "endpoints.json")).at("parity"), json::array({"azure-preview"}));
  EXPECT_THAT(read_text(hub().log_file()), AllOf(HasSubstr("Parity           azure-preview\n"),
                                                 HasSubstr("--state ./dev-1 --key-profile ec-p384\n")))
      << "and the device's command is one that works";
}

// Rows: R-5-10, R-12-01
TEST_F(AzurePreview, second_policy_of_a_credential_is_refused) {
  const auto second = hub().cli({"policy", "create", "-n", "second"});
  EXPECT_EQ(second.exit_status, kRefused);
  EXPECT_THAT(second.err, HasSubstr("PolicyLimitReached"));
  EXPECT_EQ(rows(hub().json({"policy", "list"})).size(), 1U);
  operate(hub(), {"namespace", "create", "-n", "annex"});
  operate(hub(), {"credential", "create", "--ns", "annex"});
  operate(hub(), {"policy", "create", "--ns", "annex", "-n", "second"});
}

// Rows: R-12-02
TEST_F(AzurePreview, short_lifetimes_are_refused_although_it_is_a_rehearsal) {
  const auto shorter = hub().cli({"policy", "update", "-n", "default", "--cert-validity-days", "1"});
  EXPECT_EQ(shorter.exit_status, kBadInput);
  EXPECT_THAT(shorter.err, HasSubstr("InvalidValidityPeriod"));
  operate(hub(), {"policy", "update", "-n", "default", "--cert-validity-days", "7"});
}

// Rows: R-4-05, R-10-22
TEST_F(AzurePreview, key_on_p256_gets_no_certificate_and_one_on_p384_does) {
  const auto p256 = ask("curve-256", make_key("P-256"));
  EXPECT_EQ(p256.at("topicStatus"), 200);
  EXPECT_EQ(p256.at("body").at("status"), "failed");
  EXPECT_EQ(p256.at("body").at("registrationState").at("errorCode"), kCsrRejected);

  const auto key = make_key("P-384");
  const auto answer = ask("curve-384", key);
  EXPECT_FALSE(answer.at("body").at("registrationState").contains("renewalWindow")) << "the real service tells none";
  const auto identity = Hub::identity_from(answer, key);
  for (const auto& certificate : identity.chain) EXPECT_EQ(key_bits(certificate), 384);
  EXPECT_EQ(hub().probe("curve-384", identity).text(), "accepted");

  const auto [refused, why] = renew("curve-384", identity, make_key("P-256"));
  EXPECT_EQ(refused, 400);
  EXPECT_EQ(why.at("errorCode"), kCsrRejected);
  const auto [renewed, what] = renew("curve-384", identity, make_key("P-384"));
  EXPECT_EQ(renewed, 200) << what;
  EXPECT_FALSE(what.contains("renewalWindow")) << what;
}

TEST_F(AzurePreview, value_that_nobody_knows_is_refused) {
  const auto started = hub().cli({"up", "--parity", "azure-production"});
  EXPECT_EQ(started.exit_status, kBadInput);
  EXPECT_THAT(started.err, HasSubstr("azure-preview"));
}

// A throttle by its own option, low enough to be met.
class RegistrationThrottle : public HubTest<RegistrationThrottle> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.more = {"--registrations-per-minute", "6"};
    return options;
  }
};

// It fills as time goes by, so a slow machine gets more in: but never so slowly that nobody is turned away.
TEST_F(RegistrationThrottle, device_beyond_the_minutes_registrations_hears_429_and_gets_in_later) {
  int assigned = 0;
  json last;
  for (int i = 0; i < 50; ++i) {
    const auto id = "crowd-" + std::to_string(i);
    last = hub().try_provision(id, hub().token(id), make_key());
    if (last.at("topicStatus") == 429) break;
    EXPECT_EQ(last.at("body").at("status"), "assigned") << last;
    ++assigned;
  }
  EXPECT_GE(assigned, 6);
  ASSERT_EQ(last.at("topicStatus"), 429) << last;
  EXPECT_EQ(last.at("body").at("errorCode"), 429001);
  const auto late = "crowd-" + std::to_string(assigned);
  EXPECT_TRUE(eventually([&] {  // one more every ten seconds
    return hub().try_provision(late, hub().token(late), make_key()).at("topicStatus") == 200;
  }));
}

TEST_F(RegistrationThrottle, forecast_reckons_with_it) {
  const auto forecast = hub().json({"policy", "revoke-issuer", "-n", "default", "--what-if"});
  EXPECT_THAT(forecast.dump(), HasSubstr("\"basis\":\"registrationThrottle\""));
}

}  // namespace
}  // namespace latchkey::tests

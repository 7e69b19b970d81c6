// SPDX-License-Identifier: Apache-2.0
// How devices prove themselves to the DPS endpoint: X.509 certificates and symmetric keys, individually and in groups,
// each as far as the certificate that it buys and a connection to the hub with it.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr int kInvalidCertificate = 401002;

// What a device was given at the factory.
Identity bootstrap(const TestCa& ca, const std::string& common_name, long not_before_s = -300,
                   long not_after_s = 86'400) {
  Identity identity;
  identity.key = make_key();
  LeafOptions options;
  options.common_name = common_name;
  options.not_before_s = not_before_s;
  options.not_after_s = not_after_s;
  identity.chain = {make_leaf(ca, identity.key, options)};
  return identity;
}

class Attestation : public HubTest<Attestation> {
 protected:
  static std::string pem_file(const std::string& name, const Certificate& certificate) {
    const auto file = hub().work() / (name + ".pem");
    std::ofstream(file) << certificate_pem(certificate);
    return file.string();
  }
  static void enroll(const std::string& id, const Certificate& certificate, std::vector<std::string> more = {}) {
    std::vector<std::string> command{"enrollment",    "create",
                                     "--id",          id,
                                     "--policy",      "default",
                                     "--attestation", "x509",
                                     "--certificate", pem_file(id, certificate)};
    command.insert(command.end(), more.begin(), more.end());
    operate(hub(), command);
  }
  static DeviceClient::Options shows(const std::string& id, const Identity& identity) {
    auto options = hub().dps_options(id, "");
    options.identity = identity;
    return options;
  }
  // A whole registration with a CSR for that key; the last answer.
  static DpsConversation::Answer provision(const DeviceClient::Options& options, const Key& key) {
    DpsConversation conversation(options);
    return conversation.finish(conversation.begin({{"csr", make_csr(key, options.client_id)}}));
  }
  static testing::AssertionResult provisions(const DeviceClient::Options& options) {
    const auto key = make_key();
    const auto answer = provision(options, key);
    if (answer.status != 200) return testing::AssertionFailure() << answer.status << " " << answer.body;
    const auto identity = Hub::identity_from(answer.json(), key);
    const auto device = answer.json().at("body").at("registrationState").at("deviceId").get<std::string>();
    return accepted(hub(), device, identity);
  }
  static testing::AssertionResult answers_error(const DpsConversation::Answer& answer, int error_code) {
    if (answer.status == error_code / 1000 && answer.error_code() == error_code) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "wanted " << error_code << ", heard " << answer.status << " " << answer.body;
  }
  static testing::AssertionResult unauthorized(const DeviceClient::Options& options) {
    return answers_error(provision(options, make_key()), kInvalidCertificate);
  }
  static DeviceClient::Options shows_key(const std::string& id, const std::string& key) {
    return hub().dps_options(id, individual_token(hub(), id, key));
  }
};

// --- X.509, individual

// Rows: R-10-10, R-10-11
TEST_F(Attestation, individual_enrollment_takes_exactly_its_certificates) {
  const auto ca = make_test_ca("factory of x-one");
  const auto primary = bootstrap(ca, "x-one");
  const auto secondary = bootstrap(ca, "x-one");
  enroll("x-one", primary.chain.front(),
         {"--secondary-certificate", pem_file("x-one-second", secondary.chain.front())});
  EXPECT_TRUE(provisions(shows("x-one", primary)));
  EXPECT_TRUE(provisions(shows("x-one", secondary)));
  EXPECT_TRUE(unauthorized(shows("x-one", bootstrap(ca, "x-one")))) << "same CA, same name, not enrolled";
}

TEST_F(Attestation, certificate_of_one_device_proves_no_other) {
  const auto ca = make_test_ca("factory of x-two");
  const auto own = bootstrap(ca, "x-two");
  const auto others = bootstrap(ca, "x-three");
  enroll("x-two", own.chain.front());
  enroll("x-three", others.chain.front());
  EXPECT_TRUE(unauthorized(shows("x-two", others)));
  EXPECT_TRUE(unauthorized(shows("x-nobody", own)));
  EXPECT_TRUE(provisions(shows("x-two", own)));
}

TEST_F(Attestation, enrolled_certificate_for_another_name_is_refused) {
  const auto ca = make_test_ca("factory of x-four");
  const auto misnamed = bootstrap(ca, "x-four-but-not-quite");
  enroll("x-four", misnamed.chain.front());
  EXPECT_TRUE(unauthorized(shows("x-four", misnamed)));
}

TEST_F(Attestation, certificate_out_of_its_time_is_refused) {
  const auto ca = make_test_ca("factory of x-five");
  const auto over = bootstrap(ca, "x-five", -7'200, -3'600);
  const auto future = bootstrap(ca, "x-six", 86'400, 172'800);
  enroll("x-five", over.chain.front());
  enroll("x-six", future.chain.front());
  EXPECT_TRUE(unauthorized(shows("x-five", over)));
  EXPECT_TRUE(unauthorized(shows("x-six", future)));
}

TEST_F(Attestation, disabled_x509_enrollment_answers_disabled) {
  const auto ca = make_test_ca("factory of x-seven");
  const auto device = bootstrap(ca, "x-seven");
  enroll("x-seven", device.chain.front(), {"--status", "disabled"});
  EXPECT_TRUE(answers(provision(shows("x-seven", device), make_key()).json().at("body"), "disabled"));
  operate(hub(), {"enrollment", "update", "--id", "x-seven", "--status", "enabled"});
  EXPECT_TRUE(provisions(shows("x-seven", device)));
}

// --- X.509, groups

// Rows: R-10-11
TEST_F(Attestation, group_takes_whoever_its_signing_ca_vouches_for) {
  const auto ca = make_test_ca("plant one");
  enroll("plant-one", ca.certificate, {"--group"});
  EXPECT_TRUE(provisions(shows("plant-one-a", bootstrap(ca, "plant-one-a"))));
  EXPECT_TRUE(provisions(shows("plant-one-b", bootstrap(ca, "plant-one-b"))));
}

TEST_F(Attestation, group_takes_a_chain_that_leads_to_its_signing_ca) {
  const auto root = make_test_ca("plant two");
  const auto line = make_intermediate(root, "plant two, line one");
  enroll("plant-two", root.certificate, {"--group"});
  auto device = bootstrap(line, "plant-two-a");
  EXPECT_TRUE(unauthorized(shows("plant-two-a", device))) << "without the intermediate nothing leads there";
  device.chain.push_back(line.certificate);
  device.chain.push_back(root.certificate);  // stays at home
  EXPECT_TRUE(provisions(shows("plant-two-a", device)));
}

TEST_F(Attestation, group_may_be_anchored_at_an_intermediate) {
  const auto root = make_test_ca("plant three");
  const auto line = make_intermediate(root, "plant three, line one");
  const auto other_line = make_intermediate(root, "plant three, line two");
  enroll("plant-three", line.certificate, {"--group"});
  EXPECT_TRUE(provisions(shows("plant-three-a", bootstrap(line, "plant-three-a"))));
  auto stranger = bootstrap(other_line, "plant-three-b");
  stranger.chain.push_back(other_line.certificate);
  stranger.chain.push_back(root.certificate);
  EXPECT_TRUE(unauthorized(shows("plant-three-b", stranger)));
}

TEST_F(Attestation, group_refuses_strangers_wrong_names_and_expired_certificates) {
  const auto ca = make_test_ca("plant four");
  const auto impostor = make_test_ca("plant four");  // the same name, another key
  enroll("plant-four", ca.certificate, {"--group"});
  EXPECT_TRUE(unauthorized(shows("plant-four-a", bootstrap(impostor, "plant-four-a"))));
  EXPECT_TRUE(unauthorized(shows("plant-four-a", bootstrap(ca, "plant-four-b"))));
  EXPECT_TRUE(unauthorized(shows("plant-four-a", bootstrap(ca, "plant-four-a", -7'200, -3'600))));
  EXPECT_TRUE(provisions(shows("plant-four-a", bootstrap(ca, "plant-four-a"))));
}

TEST_F(Attestation, disabled_group_answers_disabled) {
  const auto ca = make_test_ca("plant five");
  enroll("plant-five", ca.certificate, {"--group", "--status", "disabled"});
  const auto answer = provision(shows("plant-five-a", bootstrap(ca, "plant-five-a")), make_key());
  EXPECT_TRUE(answers(answer.json().at("body"), "disabled"));
}

// Rows: R-10-23
TEST_F(Attestation, bootstrap_certificate_is_worth_nothing_at_the_hub) {
  const auto ca = make_test_ca("plant six");
  enroll("plant-six", ca.certificate, {"--group"});
  const auto device = bootstrap(ca, "plant-six-a");
  ASSERT_TRUE(provisions(shows("plant-six-a", device)));
  EXPECT_TRUE(refused(hub(), "plant-six-a", device, {"issuer not trusted", {"issuer", "identifier"}}));
}

TEST_F(Attestation, revoked_device_comes_back_with_what_it_was_given_at_the_factory) {
  const auto ca = make_test_ca("plant seven");
  enroll("plant-seven", ca.certificate, {"--group"});
  const auto device = bootstrap(ca, "plant-seven-a");
  const auto key = make_key();
  const auto old = Hub::identity_from(provision(shows("plant-seven-a", device), key).json(), key);
  operate(hub(), {"device", "revoke", "-n", "plant-seven-a", "--disable", "-y"});
  EXPECT_TRUE(refused(hub(), "plant-seven-a", old, kRevokedAndDisabled));
  EXPECT_TRUE(answers(provision(shows("plant-seven-a", device), make_key()).json().at("body"), "disabled"));
  operate(hub(), {"device", "update", "-n", "plant-seven-a", "--enabled", "true"});
  EXPECT_TRUE(provisions(shows("plant-seven-a", device)));
  EXPECT_TRUE(refused(hub(), "plant-seven-a", old, kIdentifierMismatch));
}

TEST_F(Attestation, deleted_x509_group_lets_nobody_in_any_more) {
  const auto ca = make_test_ca("plant eight");
  enroll("plant-eight", ca.certificate, {"--group"});
  const auto device = bootstrap(ca, "plant-eight-a");
  const auto key = make_key();
  const auto old = Hub::identity_from(provision(shows("plant-eight-a", device), key).json(), key);
  operate(hub(), {"enrollment", "delete", "--id", "plant-eight", "--group", "-y"});
  EXPECT_TRUE(unauthorized(shows("plant-eight-a", device)));
  EXPECT_TRUE(accepted(hub(), "plant-eight-a", old));
}

// --- symmetric keys

// Rows: R-10-10
TEST_F(Attestation, individual_enrollment_takes_its_primary_and_its_secondary_key) {
  operate(hub(), {"enrollment", "create", "--id", "key-one", "--policy", "default"});
  const auto primary = enrollment_key(hub(), "key-one", false);
  const auto secondary = enrollment_key(hub(), "key-one", false, true);
  ASSERT_NE(primary, secondary);
  EXPECT_TRUE(provisions(shows_key("key-one", primary)));
  EXPECT_TRUE(provisions(shows_key("key-one", secondary)));
  const auto derived = derive_device_key(primary, "key-one");  // right for a group, wrong here
  EXPECT_TRUE(answers_error(provision(shows_key("key-one", derived), make_key()), 401000));
}

TEST_F(Attestation, group_takes_keys_derived_from_its_secondary_key) {
  const auto secondary = enrollment_key(hub(), "default", true, true);
  EXPECT_TRUE(provisions(shows_key("key-two", derive_device_key(secondary, "key-two"))));
  EXPECT_TRUE(answers_error(provision(shows_key("key-two", secondary), make_key()), 401000)) << "not the group's own";
}

// Rows: R-8-07, R-10-09
TEST_F(Attestation, enrollment_with_a_device_id_of_its_own_issues_for_that_device) {
  operate(hub(), {"enrollment", "create", "--id", "key-three", "--policy", "default", "--device-id", "Pump-3"});
  const auto options = shows_key("key-three", enrollment_key(hub(), "key-three", false));
  const auto key = make_key();
  const auto answer = provision(options, key);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("body").at("registrationState").at("deviceId"), "Pump-3");
  const auto identity = Hub::identity_from(answer.json(), key);
  EXPECT_TRUE(accepted(hub(), "Pump-3", identity));
  EXPECT_TRUE(refused(hub(), "key-three", identity, {"client id mismatch", {"names"}}));
}

// Rows: R-1-06, R-10-08
TEST_F(Attestation, registration_id_in_another_case_is_the_same_registration) {
  operate(hub(), {"enrollment", "create", "--id", "Key-Four", "--policy", "default"});
  const auto secret = enrollment_key(hub(), "Key-Four", false);
  const auto first = make_key();
  const auto second = make_key();
  const auto spelled = provision(shows_key("key-FOUR", secret), first);
  const auto again = provision(shows_key("KEY-four", secret), second);
  ASSERT_EQ(spelled.status, 200) << spelled.body;
  ASSERT_EQ(again.status, 200) << again.body;
  const auto device_id = [](const DpsConversation::Answer& answer) {
    return answer.json().at("body").at("registrationState").at("deviceId").get<std::string>();
  };
  EXPECT_EQ(device_id(spelled), "key-FOUR") << "as the device wrote it first: device ids are case-sensitive";
  EXPECT_EQ(device_id(again), "key-FOUR");
  EXPECT_TRUE(accepted(hub(), "key-FOUR", Hub::identity_from(spelled.json(), first)));
  EXPECT_TRUE(accepted(hub(), "key-FOUR", Hub::identity_from(again.json(), second)));
}

// --- what is asked for

TEST_F(Attestation, csr_under_an_older_api_version_is_refused_and_registration_without_one_is_not) {
  auto options = hub().dps_options("old-sdk", hub().token("old-sdk"));
  options.username = hub().dps_username("old-sdk", "2021-06-01");
  DpsConversation conversation(options);
  EXPECT_TRUE(answers_error(conversation.begin({{"csr", make_csr(make_key(), "old-sdk")}}), 400012));
  const auto answer = conversation.finish(conversation.begin({{"registrationId", "old-sdk"}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answers(answer.json().at("body"), "assigned"));
  EXPECT_FALSE(answer.json().at("body").at("registrationState").contains("issuedCertificateChain"));
}

// Rows: R-10-12
TEST_F(Attestation, enrollment_without_a_policy_assigns_without_a_chain) {
  operate(hub(), {"enrollment", "create", "--id", "no-policy"});
  const auto options = shows_key("no-policy", enrollment_key(hub(), "no-policy", false));
  const auto answer = provision(options, make_key());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = answer.json().at("body");
  EXPECT_TRUE(answers(body, "assigned"));
  EXPECT_EQ(body.at("registrationState").at("assignedHub"), hub().hub_name());
  EXPECT_FALSE(body.at("registrationState").contains("issuedCertificateChain"));
}

// Rows: R-9-20, R-10-18
TEST_F(Attestation, answer_carries_leaf_issuing_ca_and_root_in_this_order) {
  const auto identity = hub().provision("chain-order");
  ASSERT_EQ(identity.chain.size(), 3u);
  EXPECT_EQ(subject_text(identity.chain[0]), "CN=chain-order");
  EXPECT_TRUE(signed_by(identity.chain[0], identity.chain[1]));
  EXPECT_TRUE(signed_by(identity.chain[1], identity.chain[2]));
  EXPECT_TRUE(signed_by(identity.chain[2], identity.chain[2]));
}

// --- the other key profile

class AttestationP384 : public HubTest<AttestationP384> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.key_profile = "ec-p384";
    return options;
  }
};

// Rows: R-4-05, R-10-22
TEST_F(AttestationP384, hub_with_p384_cas_provisions_and_accepts_devices_with_keys_of_both_curves) {
  for (const char* curve : {"P-384", "P-256"}) {
    const std::string id = std::string("profile-") + curve;
    const auto key = make_key(curve);
    const auto identity = Hub::identity_from(hub().try_provision(id, hub().token(id), key), key);
    ASSERT_EQ(identity.chain.size(), 3u);
    EXPECT_EQ(key_bits(identity.chain[0]), curve == std::string("P-384") ? 384 : 256);
    EXPECT_EQ(key_bits(identity.chain[1]), 384);
    EXPECT_EQ(key_bits(identity.chain[2]), 384);
    EXPECT_TRUE(accepted(hub(), id, identity));
    operate(hub(), {"device", "revoke", "-n", id, "-y"});
    EXPECT_TRUE(refused(hub(), id, identity, kIdentifierMismatch));
  }
}

}  // namespace
}  // namespace latchkey::tests

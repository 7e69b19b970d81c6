// SPDX-License-Identifier: Apache-2.0
// Certificates and names that the hub endpoint has to refuse: each with CONNACK 5 and a decision that names the failed
// check. The leaves are signed by the hub's own issuing CA, so that only what is wrong with each can be the reason.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "platform/base/ids.h"
#include "tests/integration/bad_input_world.h"

namespace latchkey::tests {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::string kOid(kIdentifierOid);

// A leaf like those that the hub makes for the victim.
Forgery good_leaf() {
  return {{World::kVictim}, {{kOid, octet_string(identifier_of(world().victim.chain.front())), false}}};
}

Forgery with_identifier(Bytes value, bool critical = false) {
  auto forgery = good_leaf();
  forgery.extensions = {{kOid, std::move(value), critical}};
  return forgery;
}

Identity identity_of(const Forgery& forgery) {
  auto& all = world();
  const Key key = make_key();
  return {key, {forge(all.issuing, key, forgery), all.issuing.certificate, all.root.certificate}, ""};
}

Bytes resized(Bytes bytes, std::size_t size) {
  bytes.resize(size, 0x5a);
  return bytes;
}

Bytes random_credential(Bytes identifier) {
  for (std::size_t i = 16; i < identifier.size(); ++i) identifier[i] ^= 0xff;
  return identifier;
}

class BadCertificate : public BadInput {
 protected:
  // By either version of TLS.
  void expect(const Identity& identity, const std::string& expected, const std::string& id = World::kVictim) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      auto options = world().hub.hub_options(id, identity);
      options.tls_version = version;
      EXPECT_EQ(judged(options), expected) << (version == TLS1_2_VERSION ? "TLS 1.2" : "TLS 1.3");
    }
  }
  void expect(const Forgery& forgery, const std::string& expected) { expect(identity_of(forgery), expected); }
  Bytes identifier() const { return identifier_of(world().victim.chain.front()); }
};

// Without this one the others would prove nothing: the same forging, with everything right, is accepted.
TEST_F(BadCertificate, nothing_wrong_is_accepted) { expect(good_leaf(), "accepted, accepted"); }

TEST_F(BadCertificate, bare_identifier_is_accepted_too) { expect(with_identifier(identifier()), "accepted, accepted"); }

TEST_F(BadCertificate, missing_identifier_is_refused) {
  auto forgery = good_leaf();
  forgery.extensions.clear();
  expect(forgery, "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, short_identifier_is_refused) {
  expect(with_identifier(octet_string(resized(identifier(), 31))),
         "refused: CONNACK 5, malformed identifier, identifier");
  expect(with_identifier(resized(identifier(), 31)), "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, long_identifier_is_refused) {
  expect(with_identifier(octet_string(resized(identifier(), 33))),
         "refused: CONNACK 5, malformed identifier, identifier");
  expect(with_identifier(resized(identifier(), 33)), "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, empty_identifier_is_refused) {
  expect(with_identifier(octet_string({})), "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, identifier_of_another_type_is_refused) {
  auto utf8 = octet_string(identifier());
  utf8[0] = 0x0c;  // UTF8String
  expect(with_identifier(utf8), "refused: CONNACK 5, malformed identifier, identifier");
  auto longer_than_said = octet_string(identifier());
  longer_than_said[1] = 31;
  expect(with_identifier(longer_than_said), "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, two_identifiers_are_refused_even_when_equal) {
  auto forgery = good_leaf();
  forgery.extensions.push_back(forgery.extensions.front());
  // Two extensions of one OID break RFC 5280 section 4.2 as well; either check may say so first.
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto options = world().hub.hub_options(World::kVictim, identity_of(forgery));
    options.tls_version = version;
    EXPECT_EQ(judged(options), "refused: CONNACK 5, malformed identifier, identifier");
  }
}

TEST_F(BadCertificate, zero_identifier_is_refused) {
  expect(with_identifier(octet_string(Bytes(32, 0))), "refused: CONNACK 5, identifier mismatch, current");
}

TEST_F(BadCertificate, identifier_of_another_device_is_refused) {
  expect(with_identifier(octet_string(identifier_of(world().other.chain.front()))),
         "refused: CONNACK 5, identifier mismatch, current");
}

TEST_F(BadCertificate, right_device_with_a_credential_id_that_never_was_is_refused) {
  expect(with_identifier(octet_string(random_credential(identifier()))),
         "refused: CONNACK 5, identifier mismatch, current");
}

TEST_F(BadCertificate, right_credential_id_of_another_device_uuid_is_refused) {
  auto mixed = identifier_of(world().other.chain.front());
  const auto own = identifier();
  std::copy(own.begin() + 16, own.end(), mixed.begin() + 16);
  expect(with_identifier(octet_string(mixed)), "refused: CONNACK 5, identifier mismatch, current");
}

TEST_F(BadCertificate, critical_identifier_is_refused) {
  expect(with_identifier(octet_string(identifier()), true), "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, unknown_critical_extension_is_refused) {
  auto forgery = good_leaf();
  forgery.extensions.push_back({"2.25.1", {0x05, 0x00}, true});
  expect(forgery, "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, identifier_under_the_real_services_oid_alone_is_refused) {
  auto forgery = good_leaf();
  forgery.extensions = {{std::string(kAzureIdentifierOid), octet_string(identifier()), false}};
  expect(forgery, "refused: CONNACK 5, malformed identifier, identifier");
}

TEST_F(BadCertificate, expired_leaf_is_refused) {
  auto forgery = good_leaf();
  forgery.not_before_s = -7'200;
  forgery.not_after_s = -3'600;
  expect(forgery, "refused: CONNACK 5, expired, validity");
}

TEST_F(BadCertificate, leaf_of_tomorrow_is_refused) {
  auto forgery = good_leaf();
  forgery.not_before_s = 3'600;
  expect(forgery, "refused: CONNACK 5, not yet valid, validity");
}

TEST_F(BadCertificate, leaf_that_ends_before_it_begins_is_refused) {
  auto forgery = good_leaf();
  forgery.not_before_s = 3'600;
  forgery.not_after_s = -3'600;
  const auto options = world().hub.hub_options(World::kVictim, identity_of(forgery));
  EXPECT_EQ(judged(options).substr(0, 19), "refused: CONNACK 5,");
}

TEST_F(BadCertificate, wrong_signature_is_refused) {
  auto forgery = good_leaf();
  forgery.break_signature = true;
  expect(forgery, "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, leaf_for_servers_only_is_refused) {
  auto forgery = good_leaf();
  forgery.extended_usage = "serverAuth";
  expect(forgery, "refused: CONNACK 5, certificate malformed, chain");
}

// Only our own CA's key can make one, and it still can sign nothing that counts: see the next test.
TEST_F(BadCertificate, leaf_marked_as_a_ca_is_refused) {
  auto forgery = good_leaf();
  forgery.basic_constraints = "critical,CA:TRUE";
  expect(forgery, "refused: CONNACK 5, certificate malformed, chain");
}

// The issuing CA has path length 0, so nothing below such a leaf counts either.
TEST_F(BadCertificate, leaf_below_another_leaf_is_refused) {
  auto& all = world();
  auto authority = good_leaf();
  authority.common_names = {"middle"};
  authority.basic_constraints = "critical,CA:TRUE";
  const Key middle_key = make_key();
  const TestCa middle{middle_key, forge(all.issuing, middle_key, authority)};
  const Key key = make_key();
  expect(
      {key, {forge(middle, key, good_leaf()), middle.certificate, all.issuing.certificate, all.root.certificate}, ""},
      "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, leaf_below_an_ordinary_devices_leaf_is_refused) {
  auto& all = world();
  const TestCa middle{all.other.key, all.other.chain.front()};
  const Key key = make_key();
  expect(
      {key, {forge(middle, key, good_leaf()), middle.certificate, all.issuing.certificate, all.root.certificate}, ""},
      "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, leaf_signed_by_the_root_itself_is_refused) {
  auto& all = world();
  const Key key = make_key();
  expect({key, {forge(all.root, key, good_leaf()), all.root.certificate, all.root.certificate}, ""},
         "refused: CONNACK 5, issuer not trusted, issuer");
}

TEST_F(BadCertificate, unknown_ca_is_refused) {
  const auto stranger = make_test_ca("stranger");
  const Key key = make_key();
  expect({key, {forge(stranger, key, good_leaf()), stranger.certificate, stranger.certificate}, ""},
         "refused: CONNACK 5, issuer not trusted, issuer");
}

TEST_F(BadCertificate, unknown_ca_with_our_issuing_cas_name_is_refused) {
  const auto& trusted = world().issuing.certificate;
  char name[256];
  X509_NAME_get_text_by_NID(X509_get_subject_name(trusted.get()), NID_commonName, name, sizeof name);
  const auto impostor = make_test_ca(name);
  const Key key = make_key();
  const Identity own{key, {forge(impostor, key, good_leaf()), impostor.certificate, impostor.certificate}, ""};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto options = world().hub.hub_options(World::kVictim, own);
    options.tls_version = version;
    const auto seen = judged(options);
    // Without key ids in the leaf, OpenSSL takes the trusted one of that name and finds the signature wrong.
    EXPECT_TRUE(seen == "refused: CONNACK 5, certificate malformed, chain" ||
                seen == "refused: CONNACK 5, issuer not trusted, issuer")
        << seen;
  }
}

TEST_F(BadCertificate, self_signed_leaf_is_refused) {
  const Key key = make_key();
  const TestCa self{key, forge(world().issuing, key, good_leaf())};  // of it only the name counts
  const auto leaf = forge(self, key, good_leaf());
  expect({key, {leaf, leaf}, ""}, "refused: CONNACK 5, issuer not trusted, issuer");
}

TEST_F(BadCertificate, issuing_ca_itself_is_no_device) {
  auto& all = world();
  expect({all.issuing.key, {all.issuing.certificate, all.root.certificate}, ""},
         "refused: CONNACK 5, certificate malformed, chain");
}

TEST_F(BadCertificate, no_certificate_is_refused) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto options = world().hub.hub_options(World::kVictim, {});
    options.tls_version = version;
    EXPECT_EQ(judged(options), "refused: CONNACK 5, no credential, credential");
    options.password = world().hub.token(World::kVictim);  // good at the DPS endpoint, nothing here
    EXPECT_EQ(judged(options), "refused: CONNACK 5, no credential, credential");
  }
}

// Rows: R-9-18
TEST_F(BadCertificate, client_id_that_is_not_the_certificates_is_refused) {
  expect(world().victim, "refused: CONNACK 5, client id mismatch, names", World::kOther);
  expect(world().victim, "refused: CONNACK 5, client id mismatch, names", "nobody-1");
  expect(world().victim, "refused: CONNACK 5, client id mismatch, names", "VICTIM-1");  // ids are case-sensitive here
}

// Rows: R-9-18
TEST_F(BadCertificate, common_name_that_is_not_the_client_id_is_refused) {
  const std::vector<std::vector<std::string>> names = {{},
                                                       {World::kOther},
                                                       {World::kVictim, World::kOther},
                                                       {World::kVictim, World::kVictim},
                                                       {"VICTIM-1"},
                                                       {std::string("victim-1\0", 9)},
                                                       {std::string("victim-1\0.other", 15)},
                                                       {" victim-1"}};
  for (const auto& common_names : names) {
    auto forgery = good_leaf();
    forgery.common_names = common_names;
    const auto options = world().hub.hub_options(World::kVictim, identity_of(forgery));
    EXPECT_EQ(judged(options), "refused: CONNACK 5, client id mismatch, names")
        << (common_names.empty() ? "none" : common_names.front());
  }
}

TEST_F(BadCertificate, unknown_device_is_refused) {
  auto forgery = good_leaf();
  forgery.common_names = {"nobody-1"};
  const auto options = world().hub.hub_options("nobody-1", identity_of(forgery));
  EXPECT_EQ(judged(options), "refused: CONNACK 5, device unknown, device");
}

TEST_F(BadCertificate, username_of_another_device_or_junk_is_refused) {
  const std::string host = world().hub.hub_host();
  const std::string version = "/?api-version=2025-08-01-preview";
  const std::vector<std::string> usernames = {
      host + "/" + World::kOther + version,
      host + "/" + World::kVictim + "/module-1" + version,
      host + "/" + World::kVictim,
      host + "/" + World::kVictim + "/?api-version=",
      host + version,
      "/" + std::string(World::kVictim) + version,
      host + "/+" + version,
      "junk",
      std::string(4'000, 'x'),
      "",
  };
  for (const auto& username : usernames) {
    auto options = world().hub.hub_options(World::kVictim, world().victim);
    options.username = username;
    EXPECT_EQ(judged(options), "refused: CONNACK 5, client id mismatch, names") << username.substr(0, 80);
  }
}

}  // namespace
}  // namespace latchkey::tests

// SPDX-License-Identifier: Apache-2.0
// Management over a real registry in a folder of its own, with the other parts played: they write down what was
// asked of them, in order, and refuse what a test tells them to.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hub/management/management.h"
#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

class FixedClock : public ports::Clock {
 public:
  UnixMs now() const override { return 1'795'266'138'123; }  // 2026-11-21T13:02:18.123Z
  ports::MonotonicMs monotonic() const override { return 0; }
};

class PlayedParts : public CaMaker, public Enforcement, public Insight, public Messages {
 public:
  registry::Registry* registry = nullptr;  // knows which root signs
  std::vector<std::string> events;
  std::optional<registry::Refusal> ca_refusal;
  std::optional<registry::Refusal> chain_refusal;
  std::optional<Uuid> other_root;  // signs instead of the credential's
  std::optional<registry::Refusal> enforcement_refusal;
  std::optional<registry::Refusal> message_refusal;
  std::vector<SeenDecision> seen;
  DecisionFilter last_filter;
  Outgoing sent;
  HubState state;

  registry::Outcome<registry::NewCa> make_root(registry::KeyProfile profile, UnixMs now) override {
    return make("root", profile, now, std::nullopt);
  }
  registry::Outcome<registry::NewCa> make_issuing(const std::string& ns, registry::KeyProfile profile,
                                                  UnixMs now) override {
    const auto credential = registry->find_credential(ns);
    return make("issuing", profile, now, other_root.value_or(credential ? credential->ca : Uuid{}));
  }
  registry::Outcome<registry::NewCsr> make_request(registry::KeyProfile profile) override {
    if (ca_refusal) return tl::unexpected<registry::Refusal>(*ca_refusal);
    const auto number = static_cast<std::uint8_t>(++made_);
    registry::NewCsr request;
    request.id.bytes = {0xCA, number};
    request.subject = "CN=request " + std::to_string(number);
    request.csr = {0x30, 2, number};
    request.key_ref = "key-" + std::to_string(number);
    request.key_profile = profile;
    events.push_back("make " + request.key_ref);
    return request;
  }
  registry::Outcome<registry::SignedCa> check_signed(const registry::CaCertificate& pending, const std::string& chain,
                                                     UnixMs now) override {
    events.push_back("check " + chain);
    if (chain_refusal) return tl::unexpected<registry::Refusal>(*chain_refusal);
    const auto number = static_cast<std::uint8_t>(++made_);
    return registry::SignedCa{pending.id, {2, number}, now, now + 400LL * 86'400'000, {0x30, 3, number}, {}};
  }
  void destroy_key(const std::string& key_ref) override { events.push_back("destroy " + key_ref); }
  void crl_due() override { events.push_back("crl due"); }
  void end_deleted_cas() override { events.push_back("end deleted"); }
  std::string crl_file(const Uuid&) override { return "/crl/file"; }

  registry::Outcome<registry::Nothing> wait_applied(registry::Sequence) override { return wait("applied"); }
  registry::Outcome<registry::Nothing> wait_cut(registry::Sequence) override { return wait("cut"); }

  std::vector<SeenDecision> decisions(const DecisionFilter& filter) override {
    last_filter = filter;
    return seen;
  }
  DecisionCounts counts() override {
    DecisionCounts counts{};
    counts[static_cast<std::size_t>(Reason::kIdentifierMismatch)] = 7;
    return counts;
  }
  std::optional<bool> connected(const std::string&, const std::string& device) override {
    if (device == "unsure") return std::nullopt;
    return device == "online";
  }
  HubState status() override { return state; }

  registry::Outcome<registry::Message> send(const registry::Call&, const std::string&, const std::string& device,
                                            const Outgoing& message) override {
    events.push_back("send " + device);
    if (message_refusal) return tl::unexpected<registry::Refusal>(*message_refusal);
    sent = message;
    return registry::Message{};
  }

 private:
  registry::Outcome<registry::NewCa> make(const std::string& kind, registry::KeyProfile profile, UnixMs now,
                                          const std::optional<Uuid>& issuer) {
    if (ca_refusal) return tl::unexpected<registry::Refusal>(*ca_refusal);
    const auto number = static_cast<std::uint8_t>(++made_);
    registry::NewCa ca;
    ca.id.bytes = {0xCA, number};
    ca.subject = "CN=" + kind + " " + std::to_string(number);
    ca.serial = {1, number};
    ca.not_before = now;
    ca.not_after = now + 365LL * 86'400'000;
    ca.der = {0x30, 1, number};
    ca.key_ref = "key-" + std::to_string(number);
    ca.key_profile = profile;
    ca.issuer = issuer.value_or(ca.id);
    events.push_back("make " + ca.key_ref);
    return ca;
  }
  registry::Outcome<registry::Nothing> wait(const std::string& what) {
    events.push_back(what);
    if (enforcement_refusal) return tl::unexpected<registry::Refusal>(*enforcement_refusal);
    return registry::Nothing{};
  }
  int made_ = 0;
};

struct Seen {
  int status = 0;
  json body;
  std::string code() const { return body.is_object() && body.contains("error") ? body["error"]["code"] : ""; }
  std::string target() const { return body.is_object() ? body["error"].value("target", "") : ""; }
};

class ManagementTest : public testing::Test {
 protected:
  ManagementTest() {
    auto opened = registry::Registry::open({folder.file("registry.db"), 256, false}, openssl::host_digest());
    EXPECT_TRUE(opened);
    registry = std::move(*opened);
    played.registry = registry.get();
    management = std::make_unique<Management>(Parts{*registry, clock, played, played, played, played});
  }

  Seen ask(Method method, const std::string& target, const std::string& body = "") {
    const auto question = target.find('?');
    Request request{method, target.substr(0, question), "", body, Caller::on_socket(Caller::Kind::kOwner, 0, "root")};
    if (question != std::string::npos) request.query = target.substr(question + 1);
    const auto response = management->handle(request);
    return {response.status, response.body.empty() ? json() : json::parse(response.body)};
  }
  Seen get(const std::string& target) { return ask(Method::kGet, target); }
  Seen put(const std::string& target, const json& body = json::object()) {
    return ask(Method::kPut, target, body.dump());
  }
  Seen patch(const std::string& target, const json& body) { return ask(Method::kPatch, target, body.dump()); }
  Seen post(const std::string& target, const json& body = json::object()) {
    return ask(Method::kPost, target, body.dump());
  }
  Seen remove(const std::string& target) { return ask(Method::kDelete, target); }

  // Namespace "default" with a hub, a credential (key-1) and the policy "pol" (key-2).
  void furnish() {
    ASSERT_EQ(put("/namespaces/default").status, 201);
    ASSERT_TRUE(registry->create_hub({"test", clock.now()}, "default", "hub", "localhost"));
    ASSERT_EQ(put(kCredential).status, 201);
    ASSERT_EQ(put(kPolicies + "/pol").status, 201);
    played.events.clear();
  }
  std::vector<std::string> events() { return std::exchange(played.events, {}); }
  json newest_audit() { return get("/audit?top=1").body["value"][0]; }

  const std::string kCredential = "/namespaces/default/credentials/default";
  const std::string kPolicies = kCredential + "/policies";
  const std::string kDevices = "/namespaces/default/devices";

  tests::MemoryFolder folder;
  FixedClock clock;
  PlayedParts played;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<Management> management;
};

enum class Kind { kLeaf, kCa };
inline std::string certificate_pem(Kind kind) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  auto* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("pump-7"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* constraints = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints,
                                                    kind == Kind::kCa ? "critical,CA:TRUE" : "critical,CA:FALSE");
  X509_add_ext(certificate, constraints, -1);
  X509_sign(certificate, key, EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(out);
  X509_EXTENSION_free(constraints);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

}  // namespace latchkey::hub::management

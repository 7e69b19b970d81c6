// SPDX-License-Identifier: Apache-2.0
// A real registry in a temporary folder, with what provisioning and sessions need in it, and stand-ins for the CA, the
// verifier and the gates that do what they are told.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hub/ports/certificate_issuer.h"
#include "hub/ports/enforcement.h"
#include "platform/openssl/digest.h"
#include "registry/operations/registry.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::test {

inline constexpr UnixMs kNow = 1'768'730'400'123;  // 2026-01-18T10:00:00.123Z

inline registry::Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

class TemporaryRegistry {
 public:
  TemporaryRegistry() {
    auto opened = registry::Registry::open({(folder_ / "registry.db").string()}, openssl::host_digest());
    EXPECT_TRUE(opened);
    registry_ = std::move(*opened);
    must(registry_->create_namespace(call(), "default"));
    must(registry_->create_credential(call(), "default", ca("CN=root", 1)));
    must(registry_->create_policy(call(), "default", {"standard", 30, ca("CN=issuing", 2)}));
    must(registry_->create_hub(call(), "default", "hub", "hub.example:8883"));
  }
  registry::Registry& operator*() { return *registry_; }
  registry::Registry* operator->() { return registry_.get(); }

  static registry::Call call() { return {"test", kNow}; }

  template <class T>
  static T must(registry::Outcome<registry::Committed<T>> outcome) {
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
    return outcome ? outcome->value : T{};
  }

  static registry::NewCa ca(const std::string& subject, std::uint8_t number) {
    registry::NewCa made;
    made.id.bytes.fill(number);
    made.subject = subject;
    made.serial = registry::Bytes(16, number);
    made.not_before = kNow - 1000;
    made.not_after = kNow + 365LL * 86'400'000;
    made.der = bytes(subject);
    made.key_ref = subject;
    made.issuer.bytes.fill(1);  // the root
    return made;
  }

  void enroll(const std::string& id, registry::Bytes primary, registry::Bytes secondary = {},
              const std::string& policy = "standard") {
    add(id, false, registry::AttestationKind::kSymmetricKey, std::move(primary), std::move(secondary), policy);
  }
  void enroll_group(const std::string& id, registry::Bytes primary, registry::Bytes secondary = {},
                    const std::string& policy = "standard") {
    add(id, true, registry::AttestationKind::kSymmetricKey, std::move(primary), std::move(secondary), policy);
  }
  void enroll_certificate(const std::string& id, bool group, registry::Bytes primary, registry::Bytes secondary = {}) {
    add(id, group, registry::AttestationKind::kX509, std::move(primary), std::move(secondary), "standard");
  }
  void add(const std::string& id, bool group, registry::AttestationKind kind, registry::Bytes primary,
           registry::Bytes secondary, const std::string& policy) {
    registry::NewEnrollment made;
    made.id = id;
    made.group = group;
    made.namespace_name = "default";
    made.attestation = kind;
    made.primary = std::move(primary);
    made.secondary = std::move(secondary);
    made.policy_name = policy;
    must(registry_->create_enrollment(call(), made));
  }
  void set_enabled(const std::string& enrollment, bool group, bool enabled) {
    must(registry_->update_enrollment(call(), enrollment, group, {std::nullopt, enabled}));
  }

 private:
  const tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
};

// The CA: "junk" cannot be read, "wrong-cn" is not acceptable, everything else is signed as it stands.
class FakeIssuer : public CertificateIssuer {
 public:
  explicit FakeIssuer(registry::Registry& registry) : registry_(registry) {}

  registry::Bytes new_serial() override {
    registry::Bytes serial(16, 0x55);
    const unsigned number = ++serials;
    for (int i = 0; i < 4; ++i) serial[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return serial;
  }
  registry::Outcome<CheckedCsrPtr> check_csr(std::string_view base64, std::string_view common_name) override {
    {
      const std::lock_guard lock(mutex_);
      checked_name = common_name;
    }
    if (base64 == "junk") return registry::refuse(registry::Reason::kCsrUnreadable, "not a CSR");
    if (base64 == "wrong-cn") return registry::refuse(registry::Reason::kCsrRejected, "the CN is not the device's");
    ++checked;
    return std::make_shared<const Held>(std::string(base64));
  }
  registry::Outcome<IssuedChain> issue(const registry::Call& call, const registry::IssuanceGrant& grant,
                                       const CheckedCsr& checked_csr, const Keep& keep) override {
    const std::string& csr = static_cast<const Held&>(checked_csr).text;
    if (during_issue) during_issue(csr);
    if (fails_with) return registry::refuse(*fails_with, "told to fail");
    IssuedChain chain{{bytes("leaf " + grant.device_id + " " + csr), bytes("issuing"), bytes("root")}, 0};
    const auto finished = registry_.finish_issuance(call, grant.serial, keep ? keep(chain.certificates) : std::nullopt);
    if (!finished) return fail(finished.error());
    ++issued;
    chain.sequence = finished->sequence;
    return chain;
  }

  std::atomic<unsigned> serials{0};
  std::atomic<unsigned> issued{0};
  std::atomic<unsigned> checked{0};  // CSRs that were found good
  std::optional<registry::Reason> fails_with;
  std::function<void(std::string_view csr)> during_issue;
  std::string checked_name;

 private:
  struct Held final : CheckedCsr {
    explicit Held(std::string base64) : text(std::move(base64)) {}
    const std::string text;
  };

  registry::Registry& registry_;
  std::mutex mutex_;
};

// The gates: confirm everything, or answer as told.
class FakeEnforcement : public Enforcement {
 public:
  registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) override {
    asked_for = sequence;
    if (on_wait) on_wait();
    if (fails_with) return registry::refuse(*fails_with, "told to fail");
    return registry::Nothing{};
  }
  registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) override { return wait_applied(sequence); }
  std::optional<registry::Reason> fails_with;
  std::function<void()> on_wait;
  std::atomic<registry::Sequence> asked_for{0};
};

// --- tokens, made here and not by the code under test

inline registry::Bytes hmac(const registry::Bytes& key, std::string_view text) {
  registry::Bytes out(32);
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out.data(), &size);
  return out;
}

inline std::string base64(const registry::Bytes& data) {
  std::string text(4 * ((data.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data.data(), static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

inline registry::Bytes from_base64(const std::string& text) {
  registry::Bytes data(text.size());
  const int size =
      EVP_DecodeBlock(data.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  data.resize(static_cast<std::size_t>(size) - padding);
  return data;
}

inline std::string percent(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    char escaped[4] = {c, 0, 0, 0};
    if (!plain) snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
    out += escaped;
  }
  return out;
}

// `resource` stands in the token as given.
inline std::string token(const registry::Bytes& key, const std::string& resource, std::int64_t expiry_s) {
  const std::string expiry = std::to_string(expiry_s);
  return "SharedAccessSignature sr=" + resource + "&sig=" + percent(base64(hmac(key, resource + "\n" + expiry))) +
         "&skn=registration&se=" + expiry;
}

}  // namespace latchkey::hub::test

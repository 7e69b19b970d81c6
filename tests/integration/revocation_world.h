// SPDX-License-Identifier: Apache-2.0
// A registry with its CAs, lists and OCSP responder behind a real HTTP port, without brokers: for stock tools that read
// what certificates point at. Certificates are issued in bulk and may be issued in the past, so that they have expired
// by now without anybody moving a tool's clock.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/ca/crl_publisher.h"
#include "hub/ca/file_key_provider.h"
#include "hub/ca/issuance.h"
#include "hub/ca/ocsp_responder.h"
#include "hub/http/server.h"
#include "hub/revocation/service.h"
#include "tests/support/identity.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {

struct Held {
  std::string device;
  std::string file;  // PEM, below the world's folder
  registry::Bytes der;
  registry::Bytes serial;
  Uuid ca;
  UnixMs not_after = 0;
};

class RevocationWorld {
 public:
  static constexpr UnixMs kDay = hub::ca::kDayMs;
  static constexpr const char* kNamespace = "space";

  // Root and registry were made at `begin`, where the clock stands too; later steps move it to now.
  explicit RevocationWorld(UnixMs begin);
  ~RevocationWorld();

  UnixMs now() const { return now_; }
  void move_to(UnixMs at) { now_ = at; }

  // From now on leaves name one of so many shards of their CA's list; what was issued before goes on with its own.
  void split(unsigned shards);

  // A policy of that name with an issuing CA and an enrollment group.
  void make_policy(const std::string& name);
  // `count` devices `prefix`-0... (again, when they are there), each with a new certificate by that policy.
  std::vector<Held> issue(const std::string& policy, const std::string& prefix, int count);
  // Signed by the policy's issuing CA behind the registry's back.
  std::vector<Held> sign_unrecorded(const std::string& policy, const std::string& prefix, int count);
  void revoke(const std::vector<Held>& held, std::optional<registry::RevocationReason> reason = std::nullopt);
  void revoke_policy(const std::string& name);
  // As hub/app does it: with its last list and last OCSP credential, and without its key from then on.
  void delete_policy(const std::string& name);
  // Every list that is due is out when it returns.
  void publish();

  registry::SerialStanding standing(const Held& held);
  registry::CaCertificate ca(const Uuid& id);
  registry::CaCertificate root() { return ca(root_); }
  // PEM files of a CA, below folder().
  std::string ca_file(const Uuid& id);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  const std::filesystem::path& folder() const { return work_.path(); }
  const Key& device_key() const { return key_; }
  hub::ca::OcspResponder& responder() { return *responder_; }

 private:
  class App;
  struct Group {
    Uuid enrollment;
    Uuid ca;
  };
  registry::Call call() const { return {"test", now_}; }
  void open_authority(unsigned shards);
  Held write(const std::string& device, const registry::Bytes& der, const registry::IssuanceGrant& grant);
  Held issue_one(const Uuid& enrollment, const std::string& device);
  Group group(const std::string& policy);

  TemporaryFolder work_;
  std::atomic<UnixMs> now_;
  std::atomic<int> written_ = 0;
  Key key_;
  std::vector<hub::ca::CrlSplit> splits_;
  std::optional<hub::ca::Csr> csr_;  // of the one key that all devices share: only their certificates matter here
  std::unique_ptr<hub::ca::FileKeyProvider> keys_;
  std::unique_ptr<hub::ca::Authority> authority_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<hub::ca::Issuance> issuance_;
  std::unique_ptr<hub::ca::CrlPublisher> publisher_;
  std::unique_ptr<hub::ca::OcspCredentials> credentials_;
  std::unique_ptr<hub::ca::OcspResponder> responder_;
  std::unique_ptr<hub::revocation::ListFolder> lists_;
  std::unique_ptr<App> app_;
  std::unique_ptr<hub::revocation::Service> service_;
  Uuid root_;
  std::unique_ptr<hub::http::Server> server_;  // goes first: its threads use the others
};

}  // namespace latchkey::tests

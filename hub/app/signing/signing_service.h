// SPDX-License-Identifier: Apache-2.0
// The signing service as the hub process runs it: keys in a folder of their own, profiles from the registry, the data
// plane over TLS for whoever shows a token, and timestamps, lists, CA certificates and OCSP over plain HTTP for
// everybody.
//
// A rehearsal may put other rows in the place of the service's while it runs: pause() is for that.
//
// Threads: one of its own ticks once a second. pause() and revocations() are called from any, the rest by the owner.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "hub/app/base/endpoints.h"
#include "hub/app/signing/signing.h"
#include "hub/app/signing/signing_keys.h"
#include "hub/app/signing/signing_ocsp.h"
#include "hub/app/signing/signing_revocations.h"
#include "hub/brokers/server_certificate.h"
#include "hub/http/server.h"
#include "hub/signing/data/data_plane.h"
#include "hub/signing/data/public_face.h"

namespace latchkey::hub::app {

class SigningService {
 public:
  struct Options {
    ca::KeyProvider* keys = nullptr;  // outlives it
    std::filesystem::path folder;     // for the roots that verifiers are given; made when it is not there
    Address data;                     // port 0, here and there: the one that was used last, else any free one
    Address open_to_all;              // certificates name it
    brokers::ServerCertificateFiles certificate;
    registry::roles::Parity parity = registry::roles::Parity::kSeed;
    signing::Service::Options service = {};
  };
  // Registry and clock outlive it. Makes the service's CAs at the first start. kInvalidArgument: an address cannot be
  // had. kPreconditionFailed: it cannot use the keys that the rows name. kStorage.
  static registry::Outcome<std::unique_ptr<SigningService>> start(registry::Registry& registry,
                                                                  const ports::Clock& clock, Options options);
  ~SigningService() { stop(); }

  const Address& data() const { return data_; }
  const Address& open_to_all() const { return open_to_all_; }
  management::SigningRevocations& revocations() { return revocations_; }
  // From then on `act` is called, on the service's own thread, whenever its CAs are others than before: one was
  // renewed, or rows were replaced. Who tells others of them has to tell them again. Once; what it uses outlives
  // stop().
  void when_authorities_change(std::function<void()> act);
  void stop();  // may be called twice

  // For whoever is about to replace the registry's state as a whole. When it returns, what was under way has ended, and
  // callers hear 503. When what it answers is gone, on the same thread, the service has begun anew with the rows and
  // keys that are there by then, its CAs made if there are none; if that cannot be done it is tried again every second.
  // One at a time; before stop().
  std::shared_ptr<void> pause();

 private:
  // Made for the rows as they are, and gone with them.
  struct Rooms {
    std::unique_ptr<signing::Service> service;
    std::unique_ptr<SigningRevocations> revocations;
    std::unique_ptr<signing::DataPlane> plane;
    std::unique_ptr<signing::PublicFace> face;
    std::unique_ptr<SigningOcsp> ocsp;
  };
  // Hands on to those of the rooms that are there.
  class Revocations final : public management::SigningRevocations {
   public:
    explicit Revocations(SigningService& of) : of_(of) {}
    registry::Outcome<registry::Nothing> revoke(const registry::Call& call, const std::string& account,
                                                const std::string& profile, const std::vector<Order>& orders) override;
    void hold(bool held) override;
    registry::Outcome<registry::signing::Certificate> settle(const registry::Call& call, const std::string& account,
                                                             const std::string& profile, const std::string& serial,
                                                             const std::string& failure) override;

   private:
    SigningService& of_;
  };

  SigningService(registry::Registry& registry, const ports::Clock& clock, registry::roles::Parity parity)
      : registry_(registry), clock_(clock), directory_(registry, clock), gatekeeper_(registry, clock, parity) {}
  registry::Outcome<registry::Nothing> open(const Options& options);
  registry::Outcome<registry::Nothing> listen(const Options& options);
  registry::Outcome<registry::Nothing> open_rooms();
  registry::Outcome<registry::Nothing> look();
  bool has_new_authorities();  // since it was asked last
  void run();
  http::Response answer(const std::function<http::Response(Rooms&)>& by);

  registry::Registry& registry_;
  const ports::Clock& clock_;
  SigningDirectory directory_;
  SigningGatekeeper gatekeeper_;
  Revocations revocations_{*this};
  signing::Service::Options service_;
  std::filesystem::path roots_;  // folder
  Address data_;
  Address open_to_all_;
  ca::KeyProvider* provider_ = nullptr;
  std::unique_ptr<SigningKeys> keys_;
  std::atomic<bool> held_ = false;    // revocations stay in progress
  std::atomic<bool> paused_ = false;  // or about to be: who comes now does not wait
  std::shared_mutex in_use_;          // shared by whoever is in the rooms
  std::optional<Rooms> rooms_;        // guarded by in_use_; nothing: paused, or they could not be opened again
  std::unique_ptr<http::Server> data_server_;
  std::unique_ptr<http::Server> public_server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                     // guarded by mutex_
  std::function<void()> authorities_change_;  // guarded by mutex_
  std::vector<Uuid> authorities_;             // as they were last seen; the thread's own
  std::thread thread_;
};

// As SigningService::pause() where no service runs: what it answers erases, when it is gone, the keys that the rows
// then there do not name. Both outlive it.
std::shared_ptr<void> sweep_signing_keys(registry::Registry& registry, ca::KeyProvider& keys);

}  // namespace latchkey::hub::app

// SPDX-License-Identifier: Apache-2.0
// The signing service as the hub process runs it: keys in a folder of their own, profiles from the registry, the data
// plane over TLS for whoever shows a token, and timestamps, lists, CA certificates and OCSP over plain HTTP for
// everybody.
//
// Threads: one of its own ticks once a second. The rest is called by the owner.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "hub/app/endpoints.h"
#include "hub/app/signing.h"
#include "hub/app/signing_keys.h"
#include "hub/app/signing_ocsp.h"
#include "hub/app/signing_revocations.h"
#include "hub/brokers/server_certificate.h"
#include "hub/http/server.h"
#include "hub/signing/data/data_plane.h"
#include "hub/signing/data/public_face.h"

namespace latchkey::hub::app {

class SigningService {
 public:
  struct Options {
    std::filesystem::path keys;  // folder; made when it is not there
    Address data;                // port 0, here and there: the one that was used last, else any free one
    Address open_to_all;         // certificates name it
    brokers::ServerCertificateFiles certificate;
    registry::roles::Parity parity = registry::roles::Parity::kSeed;
  };
  // Registry and clock outlive it. Makes the service's CAs at the first start. kInvalidArgument: an address cannot be
  // had. kStorage.
  static registry::Outcome<std::unique_ptr<SigningService>> start(registry::Registry& registry,
                                                                  const ports::Clock& clock, Options options);
  ~SigningService() { stop(); }

  const Address& data() const { return data_; }
  const Address& open_to_all() const { return open_to_all_; }
  management::SigningRevocations& revocations() { return *revocations_; }
  void stop();  // may be called twice

 private:
  SigningService(registry::Registry& registry, const ports::Clock& clock, registry::roles::Parity parity)
      : directory_(registry, clock), gatekeeper_(registry, clock, parity) {}
  registry::Outcome<registry::Nothing> open(registry::Registry& registry, const ports::Clock& clock,
                                            const Options& options);
  void run();

  SigningDirectory directory_;
  SigningGatekeeper gatekeeper_;
  std::unique_ptr<ca::FileKeyProvider> files_;
  std::unique_ptr<SigningKeys> keys_;
  std::unique_ptr<signing::Service> service_;
  std::unique_ptr<SigningRevocations> revocations_;
  std::unique_ptr<signing::DataPlane> plane_;
  std::unique_ptr<signing::PublicFace> face_;
  std::unique_ptr<SigningOcsp> ocsp_;
  Address data_;
  Address open_to_all_;
  std::unique_ptr<http::Server> data_server_;
  std::unique_ptr<http::Server> public_server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace latchkey::hub::app

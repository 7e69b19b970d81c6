// SPDX-License-Identifier: Apache-2.0
// What relying parties other than the hub can ask of its certificates: lists, CA certificates and OCSP behind one port,
// composed of hub/ca and hub/revocation (docs/revocation-status.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/status_options.h"
#include "hub/app/process/key_providers.h"
#include "hub/app/signing/ocsp_answers.h"
#include "hub/http/server.h"
#include "hub/revocation/service.h"

namespace latchkey::hub::app {

class RevocationStatus {
 public:
  // Registry and keys outlive this object. Refusals as of ca::OcspCredentials::open.
  static registry::Outcome<std::unique_ptr<RevocationStatus>> open(registry::Registry& registry, KeyProviders& keys,
                                                                   const DataFolder& folder,
                                                                   std::function<UnixMs()> clock);
  ~RevocationStatus();  // stops

  // Serves from now on; answers the address. Port 0: the one that was used last, because certificates name it, else a
  // free one. It is remembered in the registry before anybody can sign a certificate that names it. kInvalidArgument:
  // the address cannot be had. kStorage.
  registry::Outcome<Address> listen(Address address);
  // Before that CA's key is destroyed for good.
  registry::Outcome<void> prepare_end(const registry::CaCertificate& ca);
  void stop();

 private:
  RevocationStatus() = default;

  registry::Registry* registry_ = nullptr;
  std::function<UnixMs()> clock_;
  std::unique_ptr<ca::OcspCredentials> credentials_;
  std::unique_ptr<ca::OcspResponder> ocsp_;
  std::unique_ptr<OcspAnswers> responder_;
  std::unique_ptr<revocation::ListFolder> lists_;
  std::unique_ptr<revocation::Service> service_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace latchkey::hub::app

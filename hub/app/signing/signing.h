// SPDX-License-Identifier: Apache-2.0
// What the signing service needs from the control plane: profiles, who may use them, and whom to tell. Connects
// registry/signing with hub/signing/service and hub/signing/data.
#pragma once

#include <functional>

#include "hub/management/authenticator.h"
#include "hub/signing/data/gatekeeper.h"
#include "hub/signing/service/ports.h"
#include "platform/ports/clock.h"
#include "registry/signing/accounts.h"

namespace latchkey::hub::app {

// Threads: any. The registry and the clock outlive it.
class SigningDirectory final : public signing::ProfileDirectory, public signing::Notices {
 public:
  SigningDirectory(registry::Registry& registry, const ports::Clock& clock);

  signing::Answer<signing::ProfileFacts> find(std::string_view account, std::string_view profile) override;
  signing::Answer<std::vector<signing::ProfileFacts>> active() override;
  signing::Answer<registry::Nothing> disable(const registry::Call& call, const signing::ProfileFacts& profile) override;
  // An e-mail to the addresses of the profile's identity validation.
  void revoked(const signing::ProfileFacts& profile, const registry::signing::Certificate& certificate) override;

 private:
  signing::ProfileFacts facts_of(const registry::signing::PlacedProfile& placed) const;
  registry::RowKeeper& rows_;
  const ports::Clock& clock_;
};

// Threads: any. The registry and the clock outlive it.
class SigningGatekeeper final : public signing::Gatekeeper {
 public:
  SigningGatekeeper(registry::Registry& registry, const ports::Clock& clock, registry::roles::Parity parity)
      : registry_(registry), authenticator_(registry, clock), parity_(parity) {}

  signing::Answer<Caller> authenticate(std::string_view field, const std::string& source) override;
  signing::Answer<registry::Nothing> authorize(const Caller& caller, signing::Right right, std::string_view account,
                                               std::string_view profile) override;

 private:
  registry::Registry& registry_;
  const management::Authenticator authenticator_;
  const registry::roles::Parity parity_;
};

}  // namespace latchkey::hub::app

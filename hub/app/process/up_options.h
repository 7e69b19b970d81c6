// SPDX-License-Identifier: Apache-2.0
// What `latchkey up` was asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/app/base/keys_option.h"
#include "hub/app/base/status_options.h"
#include "hub/management/quotas.h"
#include "hub/signing/certificates/key.h"
#include "hub/signing/outbox/smtp_server.h"
#include "registry/model/limits.h"
#include "registry/model/resources.h"
#include "registry/roles/evaluation.h"

namespace latchkey::hub::app {

inline constexpr int kConfirmTimeoutMs = 10'000;
inline constexpr std::size_t kRegistrationsWaiting = 2048;
inline constexpr unsigned kHubBrokersMax = 16;

// How devices reach a hub of several brokers.
enum class HubFront : std::uint8_t {
  kProxy,      // at one address, through HAProxy
  kAddresses,  // each broker at an address of its own, of which DPS tells each device one
};

struct UpOptions {
  std::filesystem::path data;
  Endpoints endpoints;
  unsigned hub_brokers = 1;  // of the hub at endpoints.hub
  HubFront hub_front = HubFront::kProxy;
  std::filesystem::path haproxy = "/usr/sbin/haproxy";
  bool proxied() const { return hub_brokers > 1 && hub_front == HubFront::kProxy; }
  StatusOptions status;                                    // lists and OCSP for everybody else
  std::optional<Address> https = Address{"127.0.0.1", 0};  // the management API over HTTPS; nothing: nowhere
  std::optional<Address> metrics;                          // where Prometheus asks; nothing: nowhere
  std::optional<Address> signing;                          // the signing service's data plane; nothing: none runs
  Address signing_open{"127.0.0.1", 0};                    // its timestamps and lists
  signing::KeyKind signing_ca_keys = signing::KeyKind::kRsa3072;  // of its own certificates, when they are made
  std::optional<signing::SmtpServer::Options> mail;  // who gets the e-mails; nothing: a maildir in the data folder
  std::filesystem::path endpoints_file;              // where to tell the chosen addresses as JSON; empty: nowhere
  bool rehearsal = false;
  std::optional<Address> admin;  // where whoever rehearses asks (hub/rehearsal); only in a rehearsal; nothing: nowhere
  std::vector<std::string>
      parity;  // the values of --parity, each once: hub/app/process/up_parity.h made the rest of them
  registry::roles::Parity role_parity = registry::roles::Parity::kSeed;
  registry::Limits limits;                     // of the registry: none
  management::Quotas quotas;                   // of the management API: none
  std::uint32_t registrations_per_minute = 0;  // that provisioning lets through; 0: all
  std::uint32_t polls_per_minute = 0;          // likewise
  std::size_t registrations_waiting =
      kRegistrationsWaiting;    // at most, of all policies; devices beyond hear 429 (docs/storms.md)
  bool p384_alone = false;      // CSRs for keys on no other curve
  bool renewal_windows = true;  // devices are told when to renew
  std::string clock;            // clock document; only in a rehearsal
  KeysOption keys;              // where private keys lie
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;
  std::filesystem::path mosquitto = "/usr/sbin/mosquitto";
  std::filesystem::path plugin;
  int confirm_timeout_ms = kConfirmTimeoutMs;  // a gate that has not confirmed a change by then is fenced
  std::uint32_t retry_after_s = 1;             // what DPS asks a device to wait before it polls
  bool own_root_revoke_rotates = false;        // --compat byor-revoke-rotates
  std::string node;                            // this process's name among those on its registry; empty: it is alone
  std::int64_t lease_ms = 8'000;               // of a node
  std::optional<Address> advertise;            // what a node's devices are told; nothing: endpoints.hub
  std::vector<std::string> server_names;       // other names and addresses of the server certificates
  bool keep_sessions = false;                  // of a node whose lease has ended
  std::optional<Address> health;               // where it says whether devices are welcome; nothing: nowhere
  std::string store;                           // URL of PostgreSQL; empty: registry.db in the data folder
};

}  // namespace latchkey::hub::app

// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/up.h"

#include <malloc.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/app/base/end_signals.h"
#include "hub/app/base/store_argument.h"
#include "hub/app/process/balancer.h"
#include "hub/app/process/hub_process.h"
#include "hub/app/process/up_parity.h"
#include "hub/ca/crl_shards.h"
#include "hub/signing/outbox/letter.h"

namespace latchkey::hub::app {
namespace {

std::filesystem::path own_folder() { return std::filesystem::canonical("/proc/self/exe").parent_path(); }

// Where the build or the installation put the plugin, seen from the program.
std::filesystem::path default_plugin() {
  for (const auto& place : {"../lib/latchkey-gate.so", "../lib/latchkey/latchkey-gate.so"}) {
    const auto path = own_folder() / place;
    if (std::filesystem::exists(path)) return std::filesystem::canonical(path);
  }
  return "latchkey-gate.so";
}

constexpr const char* kFrontProxy = "proxy";
constexpr const char* kFrontAddresses = "addresses";

struct Arguments {
  std::string store;
  std::string dps = "127.0.0.1:8883";
  std::string hub = "127.0.0.2:8883";
  unsigned hub_brokers = 1;
  std::string hub_front = kFrontProxy;
  std::string haproxy = "/usr/sbin/haproxy";
  std::string status_listen = "127.0.0.1:0";
  std::string status_url;
  unsigned crl_shards = 1;
  std::string https = "127.0.0.1:0";
  std::string metrics;
  std::string signing;
  std::string signing_open = "127.0.0.1:0";
  std::string signing_ca_keys = "rsa-3072";
  signing::SmtpServer::Options mail{{}, signing::kUsualSender, {}, {}, {}};
  std::string endpoints_file;
  std::string clock;
  std::string admin_listen;
  std::string keys = "files";
  std::string keys_folder;
  std::string key_profile;  // empty: by parity
  std::string mosquitto = "/usr/sbin/mosquitto";
  std::string plugin = default_plugin().string();
  int confirm_timeout_ms = kConfirmTimeoutMs;  // not shown in the help: tests of the fence shorten it
  std::uint32_t retry_after_s = 1;
  std::optional<std::uint32_t> registrations_per_minute;
  std::size_t registrations_waiting = kRegistrationsWaiting;
  bool rehearsal = false;
  std::string node;
  double lease_s = 8;
  std::string advertise;
  std::vector<std::string> server_names;
  bool keep_sessions = false;
  std::string health;
  std::vector<std::string> compat;
  std::vector<std::string> parity;
  std::vector<std::string> print_haproxy;
};

constexpr const char* kRevokeRotates = "byor-revoke-rotates";

void declare(CLI::App& program, Arguments& arguments) {
  program
      .add_option(
          "--store", arguments.store,
          "Where the registry is: postgresql://USER@HOST[,HOST]/DATABASE instead of a file in the data folder. A "
          "password belongs into ~/.pgpass, PGPASSWORD or this variable, not on the command line")
      ->envname(kStoreVariable)
      ->type_name("URL");
  program.add_option("--dps", arguments.dps, "Address and port of the provisioning endpoint; port 0 takes a free one")
      ->capture_default_str();
  program.add_option("--hub", arguments.hub, "Address and port of the hub endpoint; port 0 takes a free one")
      ->capture_default_str();
  program
      .add_option("--hub-brokers", arguments.hub_brokers,
                  "Run that many brokers for the hub at --hub, one for each core; a device has one session over all")
      ->check(CLI::Range(1U, kHubBrokersMax))
      ->capture_default_str();
  program
      .add_option("--hub-front", arguments.hub_front,
                  std::string("How devices reach several brokers. ") + kFrontProxy +
                      ": at one address, through HAProxy. " + kFrontAddresses +
                      ": each at an address of its own; provisioning tells each device one, by its id")
      ->check(CLI::IsMember({kFrontProxy, kFrontAddresses}))
      ->capture_default_str();
  program.add_option("--haproxy", arguments.haproxy, "HAProxy's program")->capture_default_str();
  program
      .add_option(
          "--status-listen", arguments.status_listen,
          "Address and port of CRLs and OCSP over HTTP, named in certificates; port 0 takes a free one and keeps "
          "it; 'off' serves none")
      ->capture_default_str();
  program.add_option("--status-url", arguments.status_url,
                     "What certificates name instead of http://ADDRESS:PORT, as others reach it");
  program
      .add_option("--crl-shards", arguments.crl_shards,
                  "Split the revocation list of an issuing CA into that many, of which a new certificate names one; "
                  "certificates from before go on with theirs")
      ->check(CLI::Range(1U, ca::kCrlShardsMax))
      ->capture_default_str();
  program
      .add_option("--https-listen", arguments.https,
                  "Address and port of the management API over HTTPS, for callers with a token (latchkey role token); "
                  "port 0 takes a free one and keeps it; 'off' serves none")
      ->capture_default_str();
  program
      .add_option("--metrics", arguments.metrics,
                  "Serve Prometheus metrics at http://ADDRESS:PORT/metrics; port 0 takes a free one")
      ->type_name("ADDRESS:PORT");
  program
      .add_option("--signing-listen", arguments.signing,
                  "Run the signing service: address and port of its data plane over HTTPS, for callers with a token; "
                  "port 0 takes a free one and keeps it")
      ->type_name("ADDRESS:PORT");
  program
      .add_option("--signing-open-listen", arguments.signing_open,
                  "With --signing-listen: address and port of timestamps, revocation lists, CA certificates and OCSP "
                  "over HTTP; certificates name it; port 0 takes a free one and keeps it")
      ->capture_default_str();
  program
      .add_option(
          "--signing-ca-keys", arguments.signing_ca_keys,
          "With --signing-listen: keys of the service's roots, issuing CAs and timestamper when they are made; a "
          "device checks RSA signatures fastest, EC keys are made at once")
      ->check(CLI::IsMember({"rsa-3072", "ec-p256", "ec-p384"}))
      ->capture_default_str();
  program
      .add_option("--smtp-server", arguments.mail.url,
                  "Send e-mails about identity validations and revocations there, smtp://HOST[:PORT] or "
                  "smtps://HOST[:PORT]; without it they are files in DATA/outbox")
      ->type_name("URL");
  program.add_option("--smtp-from", arguments.mail.from, "With --smtp-server: who sends")
      ->type_name("ADDRESS")
      ->capture_default_str();
  program.add_option("--smtp-user", arguments.mail.user, "With --smtp-server: who logs in")->type_name("NAME");
  program
      .add_option("--smtp-password-file", arguments.mail.password_file,
                  "With --smtp-user: a file with the password in its first line, of mode 0600")
      ->type_name("FILE");
  program
      .add_option("--smtp-ca-file", arguments.mail.ca_file,
                  "With --smtp-server: what its certificate is checked by, PEM; without it what the system trusts")
      ->type_name("FILE");
  program.add_option("--endpoints-file", arguments.endpoints_file,
                     "Write endpoints, id scope and file names there, as JSON");
  program
      .add_option("--keys", arguments.keys,
                  "Where private keys of CAs lie (docs/keys.md). files: in the data folder. sealed:FILE: in the "
                  "registry, sealed under the node key in FILE (latchkey keys new), for nodes that share it; "
                  "sealed:NEW,OLD while it is rotated. pkcs11:URI: on a token (RFC 7512), whose PIN lies in a file "
                  "(pin-source)")
      ->type_name("PROVIDER")
      ->capture_default_str();
  program
      .add_option("--keys-folder", arguments.keys_folder,
                  "With --keys sealed: keep sealed keys in this folder, which nodes share, instead of the registry")
      ->type_name("FOLDER");
  program
      .add_option("--key-profile", arguments.key_profile,
                  "Keys of CAs for which nothing else is asked, ec-p256 or ec-p384; without it ec-p256, with --parity "
                  "azure-preview ec-p384")
      ->type_name("PROFILE");
  program.add_flag("--rehearsal", arguments.rehearsal,
                   "Make the data folder for rehearsals: allows --clock and short lifetimes; cannot be undone");
  program.add_option("--clock", arguments.clock,
                     "Clock document {\"offset\": seconds, \"rate\": 1.0}; rehearsals only");
  program.add_option("--admin-listen", arguments.admin_listen,
                     "Address and port of the rehearsal's own API: clock, seed, snapshots, faults; port 0 takes a free "
                     "one; rehearsals only");
  program
      .add_option("--retry-after", arguments.retry_after_s, "Seconds that devices are asked to wait before they poll")
      ->capture_default_str();
  program
      .add_option("--registrations-per-minute", arguments.registrations_per_minute,
                  "How many registrations a minute provisioning lets through; devices beyond it hear 429 and come "
                  "again. 0: all, as without it; with --parity azure-preview 1000")
      ->type_name("NUMBER");
  program
      .add_option("--registrations-waiting", arguments.registrations_waiting,
                  "How many registrations may wait for their turn, those of one policy half as many; devices beyond it "
                  "hear 429 and when to come again")
      ->check(CLI::Range(std::size_t{2}, std::size_t{65'536}))
      ->type_name("NUMBER")
      ->capture_default_str();
  program.add_option("--confirm-timeout-ms", arguments.confirm_timeout_ms)->check(CLI::Range(1, 600'000))->group("");
  program
      .add_option("--compat", arguments.compat,
                  std::string("An older behaviour of the real service; may be repeated. ") + kRevokeRotates +
                      ": revoking a policy with a root of its own is not refused, but makes it pending with a new CSR")
      ->check(CLI::IsMember({kRevokeRotates}))
      ->allow_extra_args(false);
  program
      .add_option("--parity", arguments.parity,
                  std::string("Follow the real service where that would otherwise only hurt, or where the sources "
                              "disagree; may be repeated. ") +
                      kAzurePreview + ": its preview's limits, throttles and keys. " + kAzureRoles +
                      ": roles allow what their published definitions say, no more and no less")
      ->check(CLI::IsMember({kAzurePreview, kAzureRoles}))
      ->allow_extra_args(false);
  auto* const node =
      program
          .add_option(
              "--node", arguments.node,
              "This process's name among several that share their registry; each has its own, up to 64 letters, "
              "digits and hyphens")
          ->type_name("NAME");
  program
      .add_option(
          "--lease", arguments.lease_s,
          "With --node: for how many seconds its gates serve without word from the registry; no revocation takes "
          "longer to be in force everywhere")
      ->needs(node)
      ->check(CLI::Range(1.0, 600.0))
      ->type_name("SECONDS")
      ->capture_default_str();
  program
      .add_option("--advertise", arguments.advertise,
                  "With --node: the host and port that devices are told, those of a balancer before all nodes")
      ->needs(node)
      ->type_name("HOST:PORT");
  program
      .add_option("--server-name", arguments.server_names,
                  "Another name or address of the server certificates, such as a balancer's for --dps; may be repeated")
      ->type_name("HOST")
      ->allow_extra_args(false);
  program
      .add_flag("--keep-sessions-without-lease", arguments.keep_sessions,
                "With --node: when its lease has ended, sessions go on and only new connections are refused")
      ->needs(node);
  program
      .add_option(
          "--health", arguments.health,
          "Answer GET http://ADDRESS:PORT/healthz: 200 when devices may be sent here, 503 and the reason when not")
      ->type_name("ADDRESS:PORT");
  program.add_option("--mosquitto", arguments.mosquitto, "The broker's program")->capture_default_str();
  program.add_option("--gate", arguments.plugin, "The gate plugin")->capture_default_str();
  program
      .add_option(
          "--print-haproxy", arguments.print_haproxy,
          "Print a configuration of HAProxy before several nodes, and end; one for each node, with the addresses "
          "and ports of its two endpoints and of its /healthz. Devices come to HAProxy at --dps and --hub")
      ->type_name("NAME=DPS,HUB,HEALTH")
      ->allow_extra_args(false);
  program.footer(
      "Runs until SIGINT, SIGTERM or SIGHUP, which end a start-up that is under way as well; exit status 0.");
}

bool is_node_name(const std::string& name) {
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
         });
}

registry::Outcome<registry::Nothing> follow_node(const Arguments& arguments, UpOptions& options) {
  if (!is_node_name(arguments.node)) {
    return registry::refuse(registry::Reason::kInvalidArgument,
                            "--node is up to 64 letters, digits and hyphens, not '" + arguments.node + "'");
  }
  if (!arguments.node.empty() && arguments.rehearsal) {
    return registry::refuse(registry::Reason::kInvalidArgument, "a rehearsal has one node: leave out --node");
  }
  options.node = arguments.node;
  options.lease_ms = static_cast<std::int64_t>(arguments.lease_s * 1000);
  options.keep_sessions = arguments.keep_sessions;
  options.server_names = arguments.server_names;
  if (!arguments.health.empty()) {
    LATCHKEY_TRY(health, parse_address(arguments.health));
    options.health = health;
  }
  if (!arguments.advertise.empty()) {
    LATCHKEY_TRY(advertise, parse_advertised(arguments.advertise));
    options.advertise = advertise;
  }
  return registry::Nothing{};
}

registry::Outcome<UpOptions> to_options(const Arguments& arguments, const std::string& data) {
  LATCHKEY_TRY_VOID(check_store_argument(arguments.store));
  LATCHKEY_TRY(status, parse_status(arguments.status_listen, arguments.status_url));
  UpOptions options;
  options.status = std::move(status);
  options.status.crl_shards = arguments.crl_shards;
  options.https.reset();
  if (arguments.https != "off") {
    LATCHKEY_TRY(https, parse_address(arguments.https));
    options.https = https;
  }
  if (!arguments.metrics.empty()) {
    LATCHKEY_TRY(metrics, parse_address(arguments.metrics));
    options.metrics = metrics;
  }
  if (!arguments.signing.empty()) {
    LATCHKEY_TRY(signing, parse_address(arguments.signing));
    options.signing = signing;
    LATCHKEY_TRY(signing_open, parse_address(arguments.signing_open));
    options.signing_open = signing_open;
    options.signing_ca_keys = signing::key_kind_by_name(arguments.signing_ca_keys).value_or(options.signing_ca_keys);
  }
  if (!arguments.mail.url.empty()) {
    LATCHKEY_TRY_VOID(signing::SmtpServer::check(arguments.mail));
    options.mail = arguments.mail;
  } else if (!arguments.mail.user.empty() || !arguments.mail.password_file.empty() || !arguments.mail.ca_file.empty()) {
    return registry::refuse(registry::Reason::kInvalidArgument, "the other --smtp options need --smtp-server");
  }
  options.data = data;
  options.store = arguments.store;
  LATCHKEY_TRY(dps, parse_address(arguments.dps));
  LATCHKEY_TRY(hub, parse_address(arguments.hub));
  options.endpoints = {dps, hub};
  options.hub_brokers = arguments.hub_brokers;
  options.hub_front = arguments.hub_front == kFrontProxy ? HubFront::kProxy : HubFront::kAddresses;
  options.haproxy = arguments.haproxy;
  options.endpoints_file = arguments.endpoints_file;
  options.rehearsal = arguments.rehearsal;
  options.clock = arguments.clock;
  if (!arguments.admin_listen.empty()) {
    LATCHKEY_TRY(admin, parse_address(arguments.admin_listen));
    options.admin = admin;
  }
  LATCHKEY_TRY(keys, parse_keys(arguments.keys, arguments.keys_folder));
  options.keys = std::move(keys);
  follow(arguments.parity, options);
  if (!arguments.key_profile.empty()) {
    const auto profile = registry::parse_key_profile(arguments.key_profile);
    if (!profile) {
      return registry::refuse(registry::Reason::kInvalidArgument,
                              "--key-profile is ec-p256 or ec-p384, not '" + arguments.key_profile + "'");
    }
    options.key_profile = *profile;
  }
  options.registrations_per_minute = arguments.registrations_per_minute.value_or(options.registrations_per_minute);
  options.registrations_waiting = arguments.registrations_waiting;
  LATCHKEY_TRY_VOID(follow_node(arguments, options));
  options.mosquitto = arguments.mosquitto;
  options.plugin = arguments.plugin;
  options.confirm_timeout_ms = arguments.confirm_timeout_ms;
  options.retry_after_s = arguments.retry_after_s;
  options.own_root_revoke_rotates =
      std::find(arguments.compat.begin(), arguments.compat.end(), kRevokeRotates) != arguments.compat.end();
  return options;
}

int complain(const registry::Refusal& refusal) {
  std::cerr << "latchkey: " << refusal.detail << "\n";
  return registry::faces(refusal.reason).exit_status;
}

// glibc gives threads eight arenas for each core, and each keeps what its threads needed at their busiest. The hub
// process has a thread for each lane and never more at work than cores: with eight times as many, wave after wave
// of devices fills one or another of them for half an hour, and the process looks as if it leaked (tests/soak).
void bound_arenas() {
  const unsigned cores = std::thread::hardware_concurrency();
  (void)::mallopt(M_ARENA_MAX, static_cast<int>(std::clamp(cores, 2U, 16U)));
}

int print_haproxy(const Arguments& arguments) {
  const auto dps = parse_address(arguments.dps);
  if (!dps) return complain(dps.error());
  const auto hub = parse_address(arguments.hub);
  if (!hub) return complain(hub.error());
  const auto text = balancer_configuration({*dps, *hub}, arguments.print_haproxy);
  if (!text) return complain(text.error());
  std::cout << *text << std::flush;
  return 0;
}

int run(const Arguments& arguments, const std::string& data) {
  if (!arguments.print_haproxy.empty()) return print_haproxy(arguments);
  bound_arenas();  // before there is a second thread
  EndSignals signals;
  signal(SIGPIPE, SIG_IGN);
  auto options = to_options(arguments, data);
  if (!options) return complain(options.error());
  auto hub = HubProcess::start(std::move(*options), signals.token());
  if (!hub) return complain(hub.error());
  if (!*hub) {
    std::cout << "Stopped before the hub was up." << std::endl;
    return 0;
  }
  std::cout << (*hub)->greeting() << std::flush;
  signals.wait();
  std::cout << "Stopping." << std::endl;
  return 0;
}

}  // namespace

cli::LocalVerb up_verb() {
  auto arguments = std::make_shared<Arguments>();
  cli::LocalVerb verb;
  verb.name = "up";
  verb.help = "Start a hub: the registry, its CAs and two Mosquitto brokers, one to provision and one to connect";
  verb.add_options = [arguments](CLI::App& program) { declare(program, *arguments); };
  verb.run = [arguments](const std::string& data) { return run(*arguments, data); };
  return verb;
}

}  // namespace latchkey::hub::app

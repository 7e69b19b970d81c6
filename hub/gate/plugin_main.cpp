// SPDX-License-Identifier: Apache-2.0
// The plugin's edge: Mosquitto's events (plugin API version 5) into calls of the gate. No decision is made here, and no
// exception passes: an event that fails is answered so that nobody gets in and nothing goes out.
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

#include "hub/gate/door.h"
#include "hub/gate/gate.h"
#include "hub/gate/place_in_tree.h"
#include "hub/memory/spare_memory.h"
#include "hub/wire/hold.h"
#include "platform/openssl/quick_ec_keys.h"

namespace {

using namespace latchkey;             // NOLINT: the edge has no names of its own
using namespace latchkey::hub::gate;  // NOLINT

constexpr std::size_t kMuchSpare = std::size_t{4} << 20;

std::string_view view(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

std::uint64_t clock_ms(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

class BrokerHost : public Host {
 public:
  void publish(const std::string& client_id, const std::string& topic, ByteView payload, int qos) override {
    mosquitto_broker_publish_copy(client_id.c_str(), topic.c_str(), static_cast<int>(payload.size()), payload.data(),
                                  qos, false, nullptr);
  }
  void kick(const std::string& client_id, Will will) override {
    mosquitto_kick_client_by_clientid(client_id.c_str(), will == Will::kSent);
  }
  bool hang_up(const void* tls_connection) override {
    const int descriptor = SSL_get_fd(static_cast<const SSL*>(tls_connection));
    int unread = 0;
    if (descriptor < 0 || ioctl(descriptor, FIONREAD, &unread) != 0 || unread > 0) return false;
    shutdown(descriptor, SHUT_RDWR);
    return true;
  }
  void take_new(bool take) override { door.set_open(take); }
  void log(LogLevel level, std::string_view text) override {
    const int broker_level = level == LogLevel::kNotice    ? MOSQ_LOG_NOTICE
                             : level == LogLevel::kWarning ? MOSQ_LOG_WARNING
                                                           : MOSQ_LOG_ERR;
    mosquitto_log_printf(broker_level, "%.*s", static_cast<int>(text.size()), text.data());
  }
  UnixMs real_now() override { return static_cast<UnixMs>(clock_ms(CLOCK_REALTIME)); }
  std::uint64_t boot_ms() override { return clock_ms(CLOCK_BOOTTIME); }

  Door door;
};

struct Plugin {
  Plugin(const Options& options, std::uint32_t process_number) : gate(options, host, process_number) {}

  BrokerHost host;
  Gate gate;
  openssl::QuickEcKeys quick_keys;
  TlsHook hook;
  hub::memory::SpareMemory spare_memory{kMuchSpare};
  mosquitto_plugin_id_t* id = nullptr;
  bool door_found = false;
};

template <class Call>
int guarded(void* userdata, int on_failure, Call call) noexcept {
  try {
    return call(*static_cast<Plugin*>(userdata));
  } catch (...) {
    return on_failure;
  }
}

int to_broker(Gate::Access access) {
  switch (access) {
    case Gate::Access::kAllow: return MOSQ_ERR_SUCCESS;
    case Gate::Access::kDeny: return MOSQ_ERR_ACL_DENIED;
    case Gate::Access::kClose: return MOSQ_ERR_PROTOCOL;
  }
  return MOSQ_ERR_ACL_DENIED;
}

int on_basic_auth(int, void* data, void* userdata) {
  auto& event = *static_cast<mosquitto_evt_basic_auth*>(data);
  const int answer = guarded(userdata, MOSQ_ERR_NOMEM, [&event](Plugin& plugin) {
    const X509Ptr certificate(static_cast<X509*>(mosquitto_client_certificate(event.client)));
    std::optional<Leaf> leaf;
    const auto digest = plugin.gate.keeps_chain() ? LeafDigest::kWanted : LeafDigest::kNone;
    if (certificate != nullptr) {
      TlsHook::judge_anew(certificate.get());
      leaf = read_leaf(certificate.get(), digest);
    }
    ConnectRequest request;
    request.client = event.client;
    request.client_id = view(mosquitto_client_id(event.client));
    request.username = view(event.username);
    request.password = view(event.password);
    request.peer = plugin.gate.shown_peer(view(mosquitto_client_address(event.client)));
    request.protocol_version = mosquitto_client_protocol_version(event.client);
    request.clean = mosquitto_client_clean_session(event.client);
    request.leaf = leaf ? &*leaf : nullptr;
    switch (plugin.gate.on_connect(request)) {
      case Gate::Answer::kAccept: return MOSQ_ERR_SUCCESS;
      case Gate::Answer::kRefuse: return MOSQ_ERR_AUTH;    // CONNACK 5
      case Gate::Answer::kClose: return MOSQ_ERR_UNKNOWN;  // no CONNACK
    }
    return MOSQ_ERR_UNKNOWN;
  });
  // The broker would keep the token as long as the connection lives, for nothing.
  if (event.password != nullptr) {
    wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(event.password), std::strlen(event.password)));
  }
  return answer;
}

// The filter is the broker's own copy of what the packet said. Behind this event it goes to the tree of subscriptions,
// and nowhere else.
void place_apart(const mosquitto_evt_acl_check& event) {
  auto* const filter = const_cast<char*>(event.topic);
  give_place(view(mosquitto_client_id(event.client)),
             MutableBytes(reinterpret_cast<std::uint8_t*>(filter), std::strlen(filter)));
}

int on_acl_check(int, void* data, void* userdata) {
  const auto& event = *static_cast<const mosquitto_evt_acl_check*>(data);
  return guarded(userdata, MOSQ_ERR_ACL_DENIED, [&event](Plugin& plugin) {
    const std::string_view topic = view(event.topic);
    const ByteView payload(static_cast<const std::uint8_t*>(event.payload), event.payloadlen);
    switch (event.access) {
      case MOSQ_ACL_WRITE: return to_broker(plugin.gate.may_write(event.client, topic, payload, event.qos));
      case MOSQ_ACL_READ: return to_broker(plugin.gate.may_read(event.client, topic));
      case MOSQ_ACL_SUBSCRIBE: {
        const auto access = plugin.gate.may_subscribe(event.client, topic, event.qos);
        if (access == Gate::Access::kAllow) place_apart(event);
        return to_broker(access);
      }
      case MOSQ_ACL_UNSUBSCRIBE:
        plugin.gate.on_unsubscribe(event.client, topic);
        place_apart(event);
        return int{MOSQ_ERR_SUCCESS};
      default: return int{MOSQ_ERR_ACL_DENIED};
    }
  });
}

int on_message(int, void* data, void* userdata) {
  auto& event = *static_cast<mosquitto_evt_message*>(data);
  return guarded(userdata, MOSQ_ERR_ACL_DENIED, [&event](Plugin& plugin) -> int {
    const ByteView payload(static_cast<const std::uint8_t*>(event.payload), event.payloadlen);
    const std::string topic = plugin.gate.on_publish(event.client, view(event.topic), payload, event.qos);
    if (topic.empty()) return MOSQ_ERR_ACL_DENIED;
    char* internal = mosquitto_strdup(topic.c_str());
    if (internal == nullptr) return MOSQ_ERR_NOMEM;
    mosquitto_free(event.topic);
    event.topic = internal;
    event.retain = false;  // nothing is ever kept for later subscribers
    return MOSQ_ERR_SUCCESS;
  });
}

int on_control(int, void* data, void* userdata) {
  const auto& event = *static_cast<const mosquitto_evt_control*>(data);
  // An error would close the hub process's connection; it learns of trouble by a missing acknowledgement.
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&event](Plugin& plugin) -> int {
    const ByteView payload(static_cast<const std::uint8_t*>(event.payload), event.payloadlen);
    plugin.gate.on_control(event.client, view(event.topic), payload);
    return MOSQ_ERR_SUCCESS;
  });
}

int on_disconnect(int, void* data, void* userdata) {
  const auto& event = *static_cast<const mosquitto_evt_disconnect*>(data);
  return guarded(userdata, MOSQ_ERR_SUCCESS, [&event](Plugin& plugin) -> int {
    plugin.gate.on_disconnect(event.client);
    return MOSQ_ERR_SUCCESS;
  });
}

int on_reload(int, void*, void* userdata) {
  return guarded(userdata, MOSQ_ERR_SUCCESS, [](Plugin& plugin) -> int {
    plugin.gate.on_reload();
    return MOSQ_ERR_PLUGIN_DEFER;
  });
}

// The broker listens with a backlog of 100 (10 on the Unix socket): a storm of connects meets resent SYNs.
constexpr int kBacklog = 4096;

void find_door(Plugin& plugin) {
  if (plugin.door_found) return;
  plugin.door_found = true;
  if (plugin.host.door.find(kBacklog)) return;
  plugin.host.log(LogLevel::kNotice, "latchkey gate: new connections cannot be held back here; all are taken");
}

int on_tick(int, void*, void* userdata) {
  return guarded(userdata, MOSQ_ERR_SUCCESS, [](Plugin& plugin) -> int {
    find_door(plugin);
    plugin.gate.on_tick();
    plugin.spare_memory.on_tick(plugin.host.boot_ms());
    return MOSQ_ERR_SUCCESS;
  });
}

struct Registration {
  int event;
  MOSQ_FUNC_generic_callback callback;
  const char* topic;
};
// Feed, deliver, attest, hold, end: string literals behind string_views, so terminated.
const Registration kRegistrations[] = {
    {MOSQ_EVT_BASIC_AUTH, on_basic_auth, nullptr},
    {MOSQ_EVT_ACL_CHECK, on_acl_check, nullptr},
    {MOSQ_EVT_MESSAGE, on_message, nullptr},
    {MOSQ_EVT_CONTROL, on_control, hub::wire::kFeedTopic.data()},
    {MOSQ_EVT_CONTROL, on_control, hub::wire::kDeliverTopic.data()},
    {MOSQ_EVT_CONTROL, on_control, hub::wire::kAttestTopic.data()},
    {MOSQ_EVT_CONTROL, on_control, hub::wire::kHoldTopic.data()},
    {MOSQ_EVT_CONTROL, on_control, hub::wire::kEndTopic.data()},
    {MOSQ_EVT_DISCONNECT, on_disconnect, nullptr},
    {MOSQ_EVT_RELOAD, on_reload, nullptr},
    {MOSQ_EVT_TICK, on_tick, nullptr},
};

int refuse_to_load(const std::string& why) {
  mosquitto_log_printf(MOSQ_LOG_ERR, "latchkey gate: not loaded: %s", why.c_str());
  return MOSQ_ERR_INVAL;
}

int load(mosquitto_plugin_id_t* id, void** userdata, const mosquitto_opt* broker_options, int count) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (int i = 0; i < count; ++i) pairs.emplace_back(view(broker_options[i].key), view(broker_options[i].value));
  const auto options = parse_options(pairs);
  if (!options) return refuse_to_load(options.error());

  std::uint32_t process_number = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&process_number), sizeof process_number) != 1) {
    return refuse_to_load("no random bytes");
  }
  auto plugin = std::make_unique<Plugin>(*options, process_number);
  plugin->id = id;
  if (!plugin->quick_keys.begin()) mosquitto_log_printf(MOSQ_LOG_NOTICE, "latchkey gate: EC keys are read slowly");
  if (!plugin->hook.install(plugin->gate)) {
    return refuse_to_load("this OpenSSL does not let the TLS hook ask for client certificates");
  }
  for (const Registration& registration : kRegistrations) {
    if (mosquitto_callback_register(id, registration.event, registration.callback, registration.topic, plugin.get()) !=
        MOSQ_ERR_SUCCESS) {
      return refuse_to_load("the broker refused a callback");
    }
  }
  *userdata = plugin.release();
  mosquitto_log_printf(MOSQ_LOG_NOTICE, "latchkey gate: loaded, %s endpoint",
                       options->endpoint == Endpoint::kDps ? "DPS" : "hub");
  return MOSQ_ERR_SUCCESS;
}

}  // namespace

#define LATCHKEY_EXPORT extern "C" __attribute__((visibility("default")))

LATCHKEY_EXPORT int mosquitto_plugin_version(int count, const int* versions) {
  for (int i = 0; i < count; ++i) {
    if (versions[i] == MOSQ_PLUGIN_VERSION) return MOSQ_PLUGIN_VERSION;
  }
  return -1;
}

LATCHKEY_EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t* id, void** userdata, mosquitto_opt* options,
                                          int count) {
  try {
    return load(id, userdata, options, count);
  } catch (...) {
    return MOSQ_ERR_NOMEM;
  }
}

LATCHKEY_EXPORT int mosquitto_plugin_cleanup(void* userdata, mosquitto_opt*, int) {
  auto* plugin = static_cast<Plugin*>(userdata);
  if (plugin == nullptr) return MOSQ_ERR_SUCCESS;
  // The broker ends its connections after this: no event may find a gate that is gone.
  for (const Registration& registration : kRegistrations) {
    mosquitto_callback_unregister(plugin->id, registration.event, registration.callback, registration.topic);
  }
  delete plugin;
  return MOSQ_ERR_SUCCESS;
}

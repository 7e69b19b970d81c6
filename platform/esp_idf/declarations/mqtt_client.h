// SPDX-License-Identifier: Apache-2.0
// esp-mqtt: a part of ESP-IDF 5.5, the component espressif/mqtt beside 6.0.
#pragma once

#include <cstddef>
#include <cstdint>

#include <esp_err.h>
#include <esp_event.h>

typedef struct esp_mqtt_client* esp_mqtt_client_handle_t;

typedef enum {
  MQTT_EVENT_ANY = -1,
  MQTT_EVENT_ERROR = 0,
  MQTT_EVENT_CONNECTED = 1,
  MQTT_EVENT_DISCONNECTED = 2,
  MQTT_EVENT_SUBSCRIBED = 3,
  MQTT_EVENT_PUBLISHED = 5,
  MQTT_EVENT_DATA = 6,
  MQTT_EVENT_BEFORE_CONNECT = 7,
} esp_mqtt_event_id_t;

typedef enum {
  MQTT_ERROR_TYPE_NONE = 0,
  MQTT_ERROR_TYPE_TCP_TRANSPORT = 1,
  MQTT_ERROR_TYPE_CONNECTION_REFUSED = 2,
  MQTT_ERROR_TYPE_SUBSCRIBE_FAILED = 3,
} esp_mqtt_error_type_t;

typedef enum { MQTT_TRANSPORT_OVER_SSL = 2 } esp_mqtt_transport_t;
typedef enum { MQTT_PROTOCOL_V_3_1_1 = 2 } esp_mqtt_protocol_ver_t;

typedef struct {
  esp_err_t esp_tls_last_esp_err;
  int esp_tls_stack_err;
  int esp_tls_cert_verify_flags;
  esp_mqtt_error_type_t error_type;
  int connect_return_code;
} esp_mqtt_error_codes_t;

typedef struct {
  esp_mqtt_event_id_t event_id;
  char* data;
  int data_len;
  int total_data_len;
  int current_data_offset;
  char* topic;
  int topic_len;
  int msg_id;
  int session_present;
  esp_mqtt_error_codes_t* error_handle;
} esp_mqtt_event_t;
typedef esp_mqtt_event_t* esp_mqtt_event_handle_t;

typedef struct {
  struct {
    struct {
      const char* hostname;
      esp_mqtt_transport_t transport;
      std::uint32_t port;
    } address;
    struct {
      const char* certificate;
    } verification;
  } broker;
  struct {
    const char* username;
    const char* client_id;
    struct {
      const char* password;
      const char* certificate;
      const char* key;
    } authentication;
  } credentials;
  struct {
    bool disable_clean_session;
    int keepalive;
    bool disable_keepalive;
    esp_mqtt_protocol_ver_t protocol_ver;
    int message_retransmit_timeout;
  } session;
  struct {
    int reconnect_timeout_ms;
    int timeout_ms;
    bool disable_auto_reconnect;
  } network;
  struct {
    int stack_size;
  } task;
  struct {
    int size;
    int out_size;
  } buffer;
  struct {
    std::uint64_t limit;
  } outbox;
} esp_mqtt_client_config_t;

extern "C" {
esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t* config);
esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t event,
                                         esp_event_handler_t handler, void* argument);
esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client);
esp_err_t esp_mqtt_client_stop(esp_mqtt_client_handle_t client);
esp_err_t esp_mqtt_client_destroy(esp_mqtt_client_handle_t client);
esp_err_t esp_mqtt_set_config(esp_mqtt_client_handle_t client, const esp_mqtt_client_config_t* config);
esp_err_t esp_mqtt_client_reconnect(esp_mqtt_client_handle_t client);
esp_err_t esp_mqtt_client_disconnect(esp_mqtt_client_handle_t client);
int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t client, const char* filter, int qos);
int esp_mqtt_client_publish(esp_mqtt_client_handle_t client, const char* topic, const char* data, int length, int qos,
                            int retain);
int esp_mqtt_client_get_outbox_size(esp_mqtt_client_handle_t client);
}

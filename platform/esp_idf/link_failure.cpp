// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/link_failure.h"

#include <esp_tls_errors.h>

namespace latchkey::esp_idf {
namespace {

using ports::LinkFailure;

// mbedTLS's codes as esp-tls gives them: without the sign. The same in 3.6 and 4.0; their headers are not asked, so
// that this file needs none of them.
constexpr int kCertVerifyFailed = 0x2700;
constexpr int kFatalAlert = 0x7780;
constexpr int kConnectionEof = 0x7280;
constexpr int kCloseNotify = 0x7880;
constexpr int kNetSendFailed = 0x004E;
constexpr int kNetRecvFailed = 0x004C;
constexpr int kNetReset = 0x0050;
constexpr int kAllocFailed = 0x7F00;

LinkEnd explain_handshake(int stack_error, int verify_flags) {
  switch (stack_error) {
    case kCertVerifyFailed: return {LinkFailure::kServerNotTrusted, verify_flags};
    // A server that closes at once may overtake its own alert.
    case kFatalAlert:
    case kConnectionEof:
    case kCloseNotify:
    case kNetSendFailed:
    case kNetRecvFailed:
    case kNetReset: return {LinkFailure::kTlsAlert, 0};
    case kAllocFailed: return {LinkFailure::kLocal, stack_error};
    default: return {LinkFailure::kServerNotTrusted, stack_error};  // what came was no TLS that we take
  }
}

}  // namespace

LinkEnd explain(const esp_mqtt_error_codes_t& error) {
  if (error.error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
    return {LinkFailure::kRefused, static_cast<int>(error.connect_return_code)};
  }
  switch (error.esp_tls_last_esp_err) {
    case ESP_ERR_ESP_TLS_CANNOT_RESOLVE_HOSTNAME:
    case ESP_ERR_ESP_TLS_CANNOT_CREATE_SOCKET:
    case ESP_ERR_ESP_TLS_UNSUPPORTED_PROTOCOL_FAMILY:
    case ESP_ERR_ESP_TLS_FAILED_CONNECT_TO_HOST:
    case ESP_ERR_ESP_TLS_SOCKET_SETOPT_FAILED:
    case ESP_ERR_ESP_TLS_CONNECTION_TIMEOUT:
    case ESP_ERR_ESP_TLS_SERVER_HANDSHAKE_TIMEOUT:
      return {LinkFailure::kUnreachable, error.esp_tls_last_esp_err - ESP_ERR_ESP_TLS_BASE};
    case ESP_ERR_MBEDTLS_CERT_PARTLY_OK:
    case ESP_ERR_MBEDTLS_SSL_SET_HOSTNAME_FAILED:
    case ESP_ERR_MBEDTLS_SSL_CONFIG_DEFAULTS_FAILED:
    case ESP_ERR_MBEDTLS_X509_CRT_PARSE_FAILED:
    case ESP_ERR_MBEDTLS_SSL_CONF_OWN_CERT_FAILED:
    case ESP_ERR_MBEDTLS_SSL_SETUP_FAILED:
    case ESP_ERR_MBEDTLS_PK_PARSE_KEY_FAILED:
    case ESP_ERR_NO_MEM: return {LinkFailure::kLocal, error.esp_tls_last_esp_err};
    case ESP_ERR_MBEDTLS_SSL_HANDSHAKE_FAILED:
      return explain_handshake(error.esp_tls_stack_err, error.esp_tls_cert_verify_flags);
    default: return {LinkFailure::kClosedWithoutConnack, 0};  // a read after the handshake
  }
}

}  // namespace latchkey::esp_idf

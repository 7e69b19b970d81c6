// SPDX-License-Identifier: Apache-2.0
// The parts of the engine that no transport changes: messages in and out of Beast's form, and its errors.
#include "hub/http/internal/engine.h"

namespace latchkey::hub::http::internal {

Request request_from(Received& message, const Peer& peer) {
  Request request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : message) {
    request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  request.peer = peer;
  return request;
}

Sent message_from(Response response, bool keep_alive) {
  constexpr int kNoContent = 204;
  constexpr int kNotModified = 304;
  constexpr unsigned kHttp11 = 11;
  Sent message(static_cast<beast::http::status>(response.status), kHttp11);
  message.keep_alive(keep_alive);
  if (!response.content_type.empty()) message.set(beast::http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.fields) message.insert(name, value);
  if (response.status == kNoContent || response.status == kNotModified) return message;
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

std::optional<Fault> fault_of(beast::error_code error) {
  // Beast's own errors are about the message; all others are about the connection, TLS's among them.
  const bool about_message = error.category() == make_error_code(beast::http::error::bad_method).category();
  if (!about_message || error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) {
    return std::nullopt;
  }
  if (error == beast::http::error::body_limit) return Fault::kBodyTooLarge;
  if (error == beast::http::error::header_limit) return Fault::kHeaderTooLarge;
  return Fault::kBadRequest;
}

registry::Refusal no_listener(const std::string& host, std::uint16_t port, beast::error_code error) {
  using registry::Reason;
  const bool taken = error == asio::error::address_in_use;
  return {taken ? Reason::kOperationInProgress : Reason::kInvalidArgument,
          "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message()};
}

Response plain_fault(Fault fault) {
  switch (fault) {
    case Fault::kBodyTooLarge: return {413, "text/plain", "the body is too large\n"};
    case Fault::kHeaderTooLarge: return {431, "text/plain", "the header is too large\n"};
    case Fault::kTooManyLargeBodies: return {503, "text/plain", "too many large bodies at a time\n"};
    case Fault::kHandlerFailed: return {500, "text/plain", "the request could not be handled\n"};
    case Fault::kBadRequest: break;
  }
  return {400, "text/plain", "this is not an HTTP/1.1 request\n"};
}

}  // namespace latchkey::hub::http::internal

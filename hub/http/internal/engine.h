// SPDX-License-Identifier: Apache-2.0
// The engine behind Server: accepts, receives, has requests handled, answers. Written once for every transport
// (internal/transport.h).
//
// Everything here but the handlers runs on the one io_ thread, so nothing needs a lock.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "hub/http/server.h"

namespace latchkey::hub::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

class Server::Engine {
 public:
  virtual ~Engine() = default;
  virtual std::uint16_t port() const = 0;
  virtual void stop() = 0;
};

namespace internal {

using Received = beast::http::request<beast::http::string_body>;
using Sent = beast::http::response<beast::http::string_body>;

// Takes the body out of `message`.
Request request_from(Received& message, const Peer& peer);
// With its length, which 204 and 304 do not have (RFC 9110 section 8.6).
Sent message_from(Response response, bool keep_alive);
// The fault that a failed read stands for; nothing when the peer is gone or silent and nobody is left to answer.
std::optional<Fault> fault_of(beast::error_code error);
Response plain_fault(Fault fault);
// Why there is no listener at that address: somebody else's, who may leave, or a mistake.
registry::Refusal no_listener(const std::string& host, std::uint16_t port, beast::error_code error);

}  // namespace internal

template <class Transport>
class Server::EngineOver final : public Server::Engine {
 public:
  using Protocol = typename Transport::Protocol;
  using Acceptor = typename Protocol::acceptor;
  using Socket = typename Protocol::socket;

  // `listen` makes the acceptor; what it throws, this throws.
  template <class Listen>
  EngineOver(Options options, Handlers handlers, Transport transport, const Listen& listen)
      : options_(options),
        handlers_(std::move(handlers)),
        transport_(std::move(transport)),
        pool_(options.threads),
        acceptor_(listen(io_)),
        accept_pause_(io_) {
    if (!handlers_.fault) handlers_.fault = internal::plain_fault;
  }
  ~EngineOver() override { stop(); }

  void run() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  Acceptor& acceptor() { return acceptor_; }
  void set_port(std::uint16_t port) { port_ = port; }
  std::uint16_t port() const override { return port_; }

  void stop() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { close_all_idle(); });
    thread_.join();  // the io_ has no work left once the last session has ended
    pool_.join();
    transport_.closed();
  }

 private:
  class Session;

  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (error) return accept_later();
      admit(std::move(socket));
      accept();
    });
  }
  // Out of descriptors, most likely: no use in asking again at once.
  void accept_later() {
    accept_pause_.expires_after(std::chrono::milliseconds(100));
    accept_pause_.async_wait([this](beast::error_code) {
      if (acceptor_.is_open()) accept();
    });
  }
  void admit(Socket socket) {
    if (sessions_.size() >= options_.connection_limit) return;  // closed by its destructor
    auto peer = transport_.peer(socket);
    if (!peer) return;
    auto refusal = handlers_.turn_away ? handlers_.turn_away(*peer) : std::nullopt;
    // Whoever is told may wait for a disk.
    if (refusal && handlers_.turned_away) asio::post(pool_, [this, who = *peer] { handlers_.turned_away(who); });
    std::make_shared<Session>(*this, std::move(socket), *std::move(peer), std::move(refusal))->open();
  }
  Response answered(const Request& request) {
    try {
      return handlers_.handle(request);
    } catch (const std::exception&) {  // out of memory, or the handler's own fault; its text is not for callers
      return handlers_.fault(Fault::kHandlerFailed);
    }
  }
  void close_all_idle() {
    stopping_ = true;
    beast::error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    for (auto* session : sessions_) session->close_if_idle();
  }

  const Options options_;
  Handlers handlers_;
  Transport transport_;
  asio::io_context io_{1};
  asio::thread_pool pool_;
  Acceptor acceptor_;
  asio::steady_timer accept_pause_;
  std::uint16_t port_ = 0;
  std::set<Session*> sessions_;
  std::size_t large_bodies_ = 0;  // that are received or handled now
  bool stopping_ = false;
  std::thread thread_;
};

// One connection: receive, handle, send, again.
template <class Transport>
class Server::EngineOver<Transport>::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(EngineOver& engine, Socket socket, Peer peer, std::optional<Response> refusal)
      : engine_(engine),
        stream_(engine.transport_.stream(std::move(socket))),
        peer_(std::move(peer)),
        refusal_(std::move(refusal)) {
    engine_.sessions_.insert(this);
  }
  ~Session() {
    body_is_done();
    engine_.sessions_.erase(this);
  }

  void open() {
    deadline(engine_.options_.request_timeout);
    engine_.transport_.open(stream_, [self = this->shared_from_this()](beast::error_code error) {
      if (error) return self->close();
      self->receive();
    });
  }
  void close_if_idle() {
    if (!busy_) close();
  }

 private:
  void deadline(std::chrono::milliseconds after) { beast::get_lowest_layer(stream_).expires_after(after); }

  void receive() {
    if (engine_.stopping_) return close();
    busy_ = false;
    body_is_done();
    parser_.emplace();
    parser_->body_limit(std::max(engine_.options_.body_limit, engine_.options_.large_body_limit));
    parser_->header_limit(engine_.options_.header_limit);
    deadline(buffer_.size() > 0 ? engine_.options_.request_timeout : engine_.options_.idle_timeout);
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](beast::error_code error, std::size_t) { self->on_header(error); });
  }

  void on_header(beast::error_code error) {
    if (error) return receive_failed(error);
    if (refusal_) {
      keep_alive_ = false;
      return send(*std::move(refusal_));
    }
    if (const auto fault = admit_body()) return refuse(*fault);
    deadline(engine_.options_.request_timeout);
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = this->shared_from_this()](beast::error_code read_error, std::size_t) {
                              if (read_error) return self->receive_failed(read_error);
                              self->dispatch();
                            });
  }

  void receive_failed(beast::error_code error) {
    const auto fault = internal::fault_of(error);
    if (!fault) return close();
    refuse(*fault);
  }
  void refuse(Fault fault) {
    keep_alive_ = false;
    send(engine_.handlers_.fault(fault));
  }

  // Nothing of the body is read yet: how long it may be hangs on what is asked.
  std::optional<Fault> admit_body() {
    const auto usual = engine_.options_.body_limit;
    const auto length = parser_->content_length();
    if (length && *length <= usual) return std::nullopt;
    const auto& message = parser_->get();
    const std::string_view target(message.target().data(), message.target().size());
    const std::string_view method(message.method_string().data(), message.method_string().size());
    const bool large = engine_.handlers_.large && engine_.handlers_.large(method, target.substr(0, target.find('?')));
    if (!large) {
      if (length) return Fault::kBodyTooLarge;
      parser_->body_limit(usual);  // no body, or one in chunks
      return std::nullopt;
    }
    if (engine_.large_bodies_ >= engine_.options_.large_bodies) return Fault::kTooManyLargeBodies;
    ++engine_.large_bodies_;
    large_body_ = true;
    return std::nullopt;
  }
  void body_is_done() {
    if (large_body_) --engine_.large_bodies_;
    large_body_ = false;
  }

  void dispatch() {
    busy_ = true;
    beast::get_lowest_layer(stream_).expires_never();  // a handler takes what it takes; it bounds itself
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == beast::http::verb::head;
    asio::post(engine_.pool_, [self = this->shared_from_this(), work = asio::make_work_guard(engine_.io_),
                               asked = internal::request_from(message, peer_)]() mutable {
      auto response = self->engine_.answered(asked);
      // The session goes back with its answer: it may only end on the io_ thread.
      asio::post(work.get_executor(), [session = std::move(self), answered = std::move(response)]() mutable {
        session->send(std::move(answered));
      });
    });
  }

  void send(Response response) {
    busy_ = true;
    answer_.emplace(internal::message_from(std::move(response), keep_alive_ && !engine_.stopping_));
    deadline(engine_.options_.request_timeout);
    auto sent = [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (error || !self->answer_->keep_alive()) return self->close();
      self->receive();
    };
    if (!head_only_) return beast::http::async_write(stream_, *answer_, std::move(sent));
    serializer_.emplace(*answer_);  // the length is said, the content is not sent (RFC 9110 section 9.3.2)
    beast::http::async_write_header(stream_, *serializer_, std::move(sent));
  }

  void close() {
    beast::error_code ignored;
    auto& lowest = beast::get_lowest_layer(stream_);
    lowest.socket().shutdown(Socket::shutdown_both, ignored);
    lowest.close();
  }

  EngineOver& engine_;
  typename Transport::Stream stream_;
  const Peer peer_;
  std::optional<Response> refusal_;
  bool large_body_ = false;  // one of engine_.large_bodies_
  bool busy_ = false;        // a handler runs, or its answer is on its way
  bool keep_alive_ = true;
  bool head_only_ = false;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::optional<internal::Sent> answer_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
};

}  // namespace latchkey::hub::http

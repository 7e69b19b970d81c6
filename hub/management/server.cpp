// SPDX-License-Identifier: Apache-2.0
#include "hub/management/server.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "hub/management/internal/answer.h"

namespace latchkey::hub::management {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using registry::Reason;
using registry::refuse;
using Protocol = asio::local::stream_protocol;

namespace {

using Stream = beast::basic_stream<Protocol>;

std::string system_error_text() { return std::generic_category().message(errno); }

std::string user_name(uid_t uid) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return {};
  return found->pw_name;
}

std::optional<Caller> peer_of(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return Caller{credentials.uid, user_name(credentials.uid)};
}

std::optional<Method> method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::put: return Method::kPut;
    case http::verb::patch: return Method::kPatch;
    case http::verb::post: return Method::kPost;
    case http::verb::delete_: return Method::kDelete;
    default: return std::nullopt;
  }
}

Response receive_fault(beast::error_code error) {
  if (error == http::error::body_limit) return http_error(413, "PayloadTooLarge", "the body is too large");
  if (error == http::error::header_limit) return http_error(431, "HeaderTooLarge", "the header is too large");
  return http_error(400, "BadRequest", "this is not an HTTP/1.1 request");
}

// --- the socket in the file system

registry::Outcome<registry::Nothing> prepare_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return refuse(Reason::kStorage, "cannot make the folder " + folder + ": " + system_error_text());
  }
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0) {
    return refuse(Reason::kStorage, "cannot look at " + folder + ": " + system_error_text());
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0) {
    return refuse(Reason::kInvalidArgument, folder + " must be a folder of our own with mode 0700");
  }
  return registry::Nothing{};
}

// Removes what a crashed process left at `path`; refuses to push out one that lives.
registry::Outcome<registry::Nothing> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return registry::Nothing{};
  if (!S_ISSOCK(status.st_mode)) return refuse(Reason::kInvalidArgument, path + " is there and is not a socket");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = probe >= 0 && connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (probe >= 0) close(probe);
  if (alive) return refuse(Reason::kAlreadyExists, "another process listens on " + path);
  if (unlink(path.c_str()) != 0) {
    return refuse(Reason::kStorage, "cannot remove the old " + path + ": " + system_error_text());
  }
  return registry::Nothing{};
}

registry::Outcome<int> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return refuse(Reason::kInvalidArgument, "the path of the management socket has " + std::to_string(path.size()) +
                                                " bytes and may have " + std::to_string(sizeof address.sun_path - 1) +
                                                "; choose a data folder with a shorter path: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) LATCHKEY_TRY_VOID(prepare_folder(path.substr(0, slash)));
  LATCHKEY_TRY_VOID(clear_path(path, address));
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Linux takes the mode of the socket's own inode for the file that bind() makes: it is 0600 from the start.
  if (descriptor < 0 || fchmod(descriptor, 0600) != 0 ||
      bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(descriptor, SOMAXCONN) != 0) {
    const auto why = system_error_text();
    if (descriptor >= 0) close(descriptor);
    return refuse(Reason::kStorage, "cannot listen on " + path + ": " + why);
  }
  return descriptor;
}

}  // namespace

// Everything here but the handlers runs on the one io_ thread, so nothing needs a lock.
class Server::Engine {
 public:
  Engine(ServerOptions options, Handle handle, PeerRefused peer_refused, int descriptor)
      : options_(std::move(options)),
        handle_(std::move(handle)),
        peer_refused_(std::move(peer_refused)),
        pool_(options_.threads),
        acceptor_(io_, Protocol(), descriptor),
        accept_pause_(io_) {}

  void run() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { close_all_idle(); });
    thread_.join();  // the io_ has no work left once the last session has ended
    pool_.join();
    unlink(options_.socket_path.c_str());
  }

 private:
  class Session;

  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Protocol::socket socket) {
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
  Response answered(const Request& request) {
    try {
      return handle_(request);
    } catch (const std::exception&) {  // out of memory, or our own fault; its text is not for callers
      return error_answer(Fault(Reason::kInternal, "the request could not be handled"));
    }
  }
  void admit(Protocol::socket socket);
  void close_all_idle();

  ServerOptions options_;
  Handle handle_;
  PeerRefused peer_refused_;
  asio::io_context io_{1};
  asio::thread_pool pool_;
  Protocol::acceptor acceptor_;
  asio::steady_timer accept_pause_;
  std::set<Session*> sessions_;
  bool stopping_ = false;
  std::thread thread_;
};

// One connection: receive, handle, send, again.
class Server::Engine::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Engine& engine, Protocol::socket socket, Caller caller, bool admitted)
      : engine_(engine), stream_(std::move(socket)), caller_(std::move(caller)), admitted_(admitted) {
    engine_.sessions_.insert(this);
  }
  ~Session() { engine_.sessions_.erase(this); }

  void receive() {
    if (engine_.stopping_) return close();
    busy_ = false;
    parser_.emplace();
    parser_->body_limit(engine_.options_.body_limit);
    parser_->header_limit(engine_.options_.header_limit);
    stream_.expires_after(buffer_.size() > 0 ? engine_.options_.request_timeout : engine_.options_.idle_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](auto error, std::size_t) { self->on_header(error); });
  }

  void close_if_idle() {
    if (!busy_) close();
  }

 private:
  void on_header(beast::error_code error) {
    if (error) return receive_failed(error);
    if (!admitted_) {
      keep_alive_ = false;
      return send(http_error(403, "AuthorizationFailed", "only the owner of the data folder may manage it"));
    }
    stream_.expires_after(engine_.options_.request_timeout);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](auto read_error, std::size_t) {
      if (read_error) return self->receive_failed(read_error);
      self->dispatch();
    });
  }

  void receive_failed(beast::error_code error) {
    // Gone, or silent for too long: there is nobody to answer.
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == beast::error::timeout || error.category() == asio::error::get_system_category()) {
      return close();
    }
    keep_alive_ = false;
    send(receive_fault(error));
  }

  void dispatch() {
    busy_ = true;
    stream_.expires_never();  // the act takes what it takes; it bounds itself
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    const auto method = method_of(message.method());
    if (!method) return send(http_error(405, "MethodNotAllowed", "only GET, PUT, PATCH, POST and DELETE are known"));
    Request request;
    request.method = *method;
    const std::string target(message.target());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.body = std::move(message.body());
    request.caller = caller_;
    asio::post(engine_.pool_, [self = shared_from_this(), work = asio::make_work_guard(engine_.io_),
                               asked = std::move(request)]() mutable {
      auto response = self->engine_.answered(asked);
      // The session goes back with its answer: it may only end on the io_ thread.
      asio::post(work.get_executor(), [session = std::move(self), answered = std::move(response)]() mutable {
        session->send(std::move(answered));
      });
    });
  }

  void send(Response response) {
    busy_ = true;
    answer_.emplace(static_cast<http::status>(response.status), 11);
    answer_->keep_alive(keep_alive_ && !engine_.stopping_);
    if (!response.body.empty()) answer_->set(http::field::content_type, "application/json");
    answer_->body() = std::move(response.body);
    if (response.status != 204) answer_->prepare_payload();
    stream_.expires_after(engine_.options_.request_timeout);
    http::async_write(stream_, *answer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error || !self->answer_->keep_alive()) return self->close();
      self->receive();
    });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(Protocol::socket::shutdown_both, ignored);
    stream_.close();
  }

  Engine& engine_;
  Stream stream_;
  Caller caller_;
  bool admitted_;
  bool busy_ = false;  // an act runs, or its answer is on its way
  bool keep_alive_ = true;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> answer_;
};

void Server::Engine::admit(Protocol::socket socket) {
  if (sessions_.size() >= options_.connection_limit) return;  // closed by its destructor
  auto caller = peer_of(socket.native_handle());
  if (!caller) return;
  const bool admitted = caller->uid == options_.owner_uid;
  auto session = std::make_shared<Session>(*this, std::move(socket), *caller, admitted);
  // The record is written in the pool: it waits for the disk.
  if (!admitted) asio::post(pool_, [this, who = *caller] { peer_refused_(who); });
  session->receive();
}

void Server::Engine::close_all_idle() {
  stopping_ = true;
  beast::error_code ignored;
  acceptor_.close(ignored);
  accept_pause_.cancel();
  for (auto* session : sessions_) session->close_if_idle();
}

registry::Outcome<std::unique_ptr<Server>> Server::start(ServerOptions options, Handle handle,
                                                         PeerRefused peer_refused) {
  LATCHKEY_TRY(descriptor, listen_at(options.socket_path));
  try {
    auto engine = std::make_unique<Engine>(std::move(options), std::move(handle), std::move(peer_refused), descriptor);
    engine->run();
    return std::unique_ptr<Server>(new Server(std::move(engine)));
  } catch (const std::exception& error) {
    return refuse(Reason::kInternal, std::string("the management server does not start: ") + error.what());
  }
}

Server::Server(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Server::~Server() { stop(); }
void Server::stop() { engine_->stop(); }

}  // namespace latchkey::hub::management

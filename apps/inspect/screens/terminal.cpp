#include "apps/inspect/screens/terminal.hpp"

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <langinfo.h>
#include <ncurses.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "apps/cli/console.hpp"

namespace troupe::apps::screens {
namespace {

constexpr int kEscapeDelay = 25;  // ms; our choice: the bytes of one key arrive together, a person is slower

termios modes_before{};
bool terminal_taken = false;

/// Does the work of ncurses' end from a signal handler: only calls that are safe there.
void restore_now() {
  if (!terminal_taken) return;
  static constexpr char kLeave[] = "\x1b[?1000l\x1b[?1006l\x1b[m\x1b[?25h\x1b[?1049l\r\n";
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kLeave, sizeof kLeave - 1);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &modes_before);
}

void died(int signal) {
  restore_now();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::terminate_handler terminate_before = nullptr;

[[noreturn]] void terminated() {
  restore_now();
  terminal_taken = false;
  if (terminate_before != nullptr) terminate_before();
  std::abort();
}

constexpr std::array kDeadly{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};

Key key_of(Key::What what) { return {.what = what}; }

/// Returns the UTF-8 of one character.
std::string bytes_of(wint_t point) {
  std::string out;
  const auto c = static_cast<std::uint32_t>(point);
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) out = {static_cast<char>(0xc0 | c >> 6)};
  else if (c < 0x10000) out = {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f))};
  else
    out = {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
           static_cast<char>(0x80 | (c >> 6 & 0x3f))};
  return out + static_cast<char>(0x80 | (c & 0x3f));
}

/// Writes the characters of a cell for ncurses: a first character and its combining characters.
std::size_t wide(const std::string& text, std::array<wchar_t, CCHARW_MAX + 1>& out) {
  std::mbstate_t state{};
  std::size_t used = 0;
  const char* at = text.c_str();
  while (*at != 0 && used < CCHARW_MAX) {
    const std::size_t bytes = std::mbrtowc(&out[used], at, std::strlen(at), &state);
    if (bytes == 0 || bytes > text.size()) break;
    at += bytes;
    ++used;
  }
  if (used == 0) out[used++] = L'?';
  out[used] = 0;
  return used;
}

/// Whether a terminal of that type understands xterm's sequences. Remote machines often lack its description.
bool understands_xterm(std::string_view type) {
  constexpr std::array<std::string_view, 14> kFamilies{"alacritty", "contour", "foot",    "ghostty", "gnome",
                                                       "iterm",     "kitty",   "konsole", "rio",     "screen",
                                                       "tmux",      "vte",     "wezterm", "xterm"};
  return std::ranges::any_of(kFamilies, [&](std::string_view family) { return type.starts_with(family); });
}

/// Whether the terminal of newterm() can place its cursor: "dumb" cannot.
bool places_cursor() {
  const char* const how = ::tigetstr("cup");
  return how != nullptr && how != reinterpret_cast<const char*>(-1);
}

}  // namespace

base::Result<std::unique_ptr<Terminal>, Failure> Terminal::open(const Console& console, const std::string& otherwise,
                                                                const std::string& try_) {
  if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO) || ::tcgetattr(STDIN_FILENO, &modes_before) != 0)
    return usage_failure("the screens need a terminal; " + otherwise, try_);
  std::setlocale(LC_CTYPE, "");
  const std::string type = variable(console, "TERM").value_or("");
  SCREEN* screen = type.empty() ? nullptr : ::newterm(type.c_str(), stdout, stdin);
  if (screen == nullptr && understands_xterm(type)) screen = ::newterm("xterm-256color", stdout, stdin);
  if (screen != nullptr && !places_cursor()) {
    ::endwin();
    ::delscreen(std::exchange(screen, nullptr));
  }
  if (screen != nullptr) return std::unique_ptr<Terminal>(new Terminal(screen, colour_on_out(console)));
  const std::string what =
      type.empty() ? "TERM is not set" : "TERM is \"" + type + "\", which this machine has no description of";
  return usage_failure("the screens must know the type of the terminal: " + what + "; " + otherwise,
                       "export TERM=xterm-256color, and run it again");
}

Terminal::Terminal(void* screen, bool colours) : screen_(screen), attributes_(kStyles, A_NORMAL) {
  terminal_taken = true;
  unicode_ = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  terminate_before = std::set_terminate(terminated);
  for (const int signal : kDeadly) ::signal(signal, died);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::curs_set(0);
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(kEscapeDelay);
  ::mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, nullptr);
  ::mouseinterval(0);
  const auto set = [this](Style style, unsigned long attributes) {
    attributes_[static_cast<std::size_t>(style)] = attributes;
  };
  set(Style::title, A_BOLD);
  set(Style::dim, A_DIM);
  set(Style::good, A_NORMAL);
  set(Style::warn, A_BOLD);
  set(Style::bad, A_BOLD | A_UNDERLINE);
  set(Style::selected, A_REVERSE);
  set(Style::marked, A_BOLD);
  if (!colours || !::has_colors()) return;
  ::start_color();
  ::use_default_colors();
  // The eight plain colours are readable on dark and light backgrounds; yellow on white is not, so warnings are
  // magenta.
  const auto paint = [this](Style style, short colour) {
    const auto pair = static_cast<short>(static_cast<short>(style) + 1);
    ::init_pair(pair, colour, -1);
    attributes_[static_cast<std::size_t>(style)] |= static_cast<unsigned long>(COLOR_PAIR(pair));
  };
  paint(Style::good, COLOR_GREEN);
  paint(Style::warn, COLOR_MAGENTA);
  paint(Style::bad, COLOR_RED);
  paint(Style::marked, COLOR_BLUE);
}

Terminal::~Terminal() {
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(screen_));
  terminal_taken = false;
  std::set_terminate(terminate_before);
  for (const int signal : kDeadly) ::signal(signal, SIG_DFL);
}

Size Terminal::size() const { return {getmaxx(stdscr), getmaxy(stdscr)}; }

void Terminal::resized() {
  winsize now{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) == 0 && now.ws_col > 0 && now.ws_row > 0)
    ::resizeterm(now.ws_row, now.ws_col);
  ::clearok(stdscr, TRUE);
}

void Terminal::suspend() {
  ::endwin();
  terminal_taken = false;
  ::raise(SIGSTOP);
  terminal_taken = true;
  ::clearok(stdscr, TRUE);
  resized();
  ::refresh();
}

void Terminal::show(const Grid& grid) {
  const Size now = size();
  for (int row = 0; row < std::min(now.rows, grid.size().rows); ++row) {
    for (int column = 0; column < std::min(now.columns, grid.size().columns); ++column) {
      const Cell& cell = grid.at(column, row);
      if (cell.text.empty()) continue;
      std::array<wchar_t, CCHARW_MAX + 1> text{};
      wide(cell.text, text);
      const unsigned long attributes = attributes_[static_cast<std::size_t>(cell.style)];
      cchar_t out{};
      ::setcchar(&out, text.data(), static_cast<attr_t>(attributes & ~A_COLOR),
                 static_cast<short>(PAIR_NUMBER(static_cast<int>(attributes & A_COLOR))), nullptr);
      ::mvadd_wch(row, column, &out);
    }
  }
  ::refresh();
}

std::optional<Key> Terminal::key() {
  wint_t got = 0;
  const int kind = ::get_wch(&got);
  if (kind == ERR) return std::nullopt;
  if (kind == KEY_CODE_YES) {
    switch (got) {
      case KEY_UP: return key_of(Key::What::up);
      case KEY_DOWN: return key_of(Key::What::down);
      case KEY_LEFT: return key_of(Key::What::left);
      case KEY_RIGHT: return key_of(Key::What::right);
      case KEY_PPAGE: return key_of(Key::What::page_up);
      case KEY_NPAGE: return key_of(Key::What::page_down);
      case KEY_HOME: return key_of(Key::What::home);
      case KEY_END: return key_of(Key::What::end);
      case KEY_ENTER: return key_of(Key::What::enter);
      case KEY_BACKSPACE: return key_of(Key::What::backspace);
      case KEY_MOUSE: {
        MEVENT event{};
        if (::getmouse(&event) != OK) return key();
        if ((event.bstate & BUTTON4_PRESSED) != 0) return key_of(Key::What::up);
        if ((event.bstate & BUTTON5_PRESSED) != 0) return key_of(Key::What::down);
        return Key{.what = Key::What::click, .row = event.y};
      }
      default: return key();
    }
  }
  switch (got) {
    case L'\r':
    case L'\n': return key_of(Key::What::enter);
    case 27: return key_of(Key::What::escape);
    case L'\t': return key_of(Key::What::tab);
    case 127:
    case 8: return key_of(Key::What::backspace);
    case 'U' & 0x1f: return key_of(Key::What::erase_line);
    case 'W' & 0x1f: return key_of(Key::What::erase_word);
    default: break;
  }
  if (got < 32) return key();
  return Key{.what = Key::What::character, .text = bytes_of(got)};
}

}  // namespace troupe::apps::screens

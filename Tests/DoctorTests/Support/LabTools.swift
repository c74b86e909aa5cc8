import Foundation

/// What `adjtimex` tells a doctor of a lab: status, greatest and estimated error in microseconds.
enum LabClock: String {
    case kept = "0x2001 1500 40"
    /// As systemd-timesyncd leaves it where the RTC is in local time: STA_UNSYNC, but set lately.
    case keptBesideTheRTC = "0x40 250000 0"
    /// As after boot, and hours after the last word of a time service.
    case free = "0x40 16000000 16000000"
    case keptBadly = "0x2001 900000 350000"
    /// Kept, it says, and a second ahead of the others.
    case ahead = "0x2001 1500 41"
}

/// Two small things in C, made once for all tests: no namespace has a clock of its own, no sandbox or
/// program of legacy iptables need be installed.
enum LabTools {
    /// Why there are none; `nil` when there are.
    static var reason: String? {
        switch made {
        case .success: nil
        case .failure(let error): error.description
        }
    }

    /// Lets the program that is started see this clock.
    static func environment(_ clock: LabClock?) -> [String] {
        guard let clock, case .success(let folder) = made else { return [] }
        return [
            "LD_PRELOAD=\(folder.path)/clock.so", "POLYCAST_LAB_CLOCK=\(clock.rawValue)",
            "POLYCAST_LAB_AHEAD=\(clock == .ahead ? 1 : 0)",
        ]
    }

    /// Starts a program that may not call `adjtimex`, as in a strict sandbox.
    static func withoutClock() throws -> [String] { [try starter(), "without-clock"] }

    /// Starts a program that gets no socket of rtnetlink, as under `RestrictAddressFamilies=`.
    static func withoutNetlink() throws -> [String] { [try starter(), "without-netlink"] }

    /// Makes a table of legacy iptables in the namespace, as `iptables-legacy -t TABLE -L` does.
    static func legacyTable(_ name: String) throws -> [String] { [try starter(), "table", name] }

    /// Whether this machine's clock is kept.
    static func isClockKept() throws -> Bool {
        try Child.run([try starter(), "clock"]).output == "kept\n"
    }

    private static func starter() throws -> String { try made.get().path + "/starter" }

    private static let made: Result<URL, LabError> = {
        if let reason = DoctorPermission.reason { return .failure(LabError(reason)) }
        guard let compiler = ["cc", "gcc", "clang"].first(where: DoctorPermission.has) else {
            return .failure(LabError("no compiler of C is installed"))
        }
        // The guardian of the labs removes it.
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "polycast-pcdoc\(getpid())n-tools")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, source, options) in [
                ("clock.so", clock, ["-shared", "-fPIC"]), ("starter", starterSource, []),
            ] {
                let file = folder.appending(path: "\(name).c")
                try source.write(to: file, atomically: false, encoding: .utf8)
                let result = try Child.run(
                    [compiler, "-O1"] + options + [
                        "-o", folder.appending(path: name).path, file.path,
                    ])
                guard result.status == 0 else { throw LabError("\(compiler): \(result.errors)") }
            }
            return .success(folder)
        } catch {
            return .failure(LabError("\(error)"))
        }
    }()

    // MARK: - Sources

    private static let clock = """
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <sys/timex.h>
        #include <time.h>
        #include <unistd.h>

        int adjtimex(struct timex *clock) {
            const char *text = getenv("POLYCAST_LAB_CLOCK");
            memset(clock, 0, sizeof *clock);
            if (text)
                sscanf(text, "%i %ld %ld", &clock->status, &clock->maxerror, &clock->esterror);
            return clock->status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
        }

        int clock_gettime(clockid_t number, struct timespec *time) {
            const char *ahead = getenv("POLYCAST_LAB_AHEAD");
            int status = syscall(SYS_clock_gettime, number, time);
            if (status == 0 && number == CLOCK_REALTIME && ahead) time->tv_sec += atoi(ahead);
            return status;
        }
        """

    private static let starterSource = """
        #include <errno.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <netinet/in.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <sys/timex.h>
        #include <unistd.h>

        /* The call is refused with the error; if `first` is not negative, only with that argument. */
        static int forbid(int call, int first, int error) {
            int any = first < 0;
            struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(any ? BPF_JMP | BPF_JGE | BPF_K : BPF_JMP | BPF_JEQ | BPF_K,
                         any ? 0 : first, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog program = {sizeof code / sizeof *code, code};
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
            return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
        }

        /* linux/netfilter_ipv4/ip_tables.h: IPT_SO_GET_INFO is 64, struct ipt_getinfo has 84 bytes. */
        static int table(const char *name) {
            char information[84] = {0};
            socklen_t size = sizeof information;
            strncpy(information, name, 31);
            int number = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
            return number < 0 ? -1 : getsockopt(number, IPPROTO_IP, 64, information, &size);
        }

        int main(int count, char **words) {
            int status = -1;
            if (count == 2 && !strcmp(words[1], "clock")) {
                struct timex clock = {0};
                if (adjtimex(&clock) < 0) return 1;
                int kept = !(clock.status & STA_UNSYNC) || clock.maxerror < 16000000;
                puts(kept ? "kept" : "free");
                return 0;
            }
            if (count < 3) return 2;
            if (!strcmp(words[1], "table")) {
                status = table(words[2]);
                if (status) perror("table");
                return status ? 1 : 0;
            }
            if (!strcmp(words[1], "without-clock"))
                status = forbid(SYS_clock_adjtime, -1, EPERM) || forbid(SYS_adjtimex, -1, EPERM);
            if (!strcmp(words[1], "without-netlink"))
                status = forbid(SYS_socket, AF_NETLINK, EAFNOSUPPORT);
            if (!status) execvp(words[2], words + 2);
            perror(words[2]);
            return 1;
        }
        """
}

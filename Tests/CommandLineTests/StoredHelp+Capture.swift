/// The reviewed help of the verbs that look at packets.
let storedCaptureHelp: [String: String] = [
    "capture": """
    polycast capture - capture packets, print them or write them to pcapng files

    Usage: polycast capture [OPTION]...

    Captures by libpcap on one or more interfaces, with nanosecond stamps, and says
    what the kernel, the interface and the program itself dropped. Needs
    CAP_NET_RAW, and gives it up once all is open. Without --write packets are
    printed, a line each.

    Options:
      -i, --interface IF      capture there; any is all; may be repeated
      -r, --read FILE         take packets from a pcap or pcapng file; - is
                              standard input
      -f, --filter BPF        only these packets, see pcap-filter(7)
      --group GROUP           only this group, and what manages groups; may be
                              repeated
      -w, --write FILE        write pcapng; - is standard output
      -b, --ring LIMITS       begin a new file at filesize:SIZE or duration:TIME,
                              and keep files:N, such as files:5,filesize:100M
      -c, --count N           end after so many packets
      -a, --autostop LIMITS   end at duration:TIME, filesize:SIZE or packets:N
      -s, --snaplen BYTES     cut packets to so many bytes
      -B, --buffer SIZE       the kernel's buffer (default 32M)
      -p, --no-promiscuous    only frames for this host
      -V, --details           print a tree of all fields for each packet
      -T, --output FORM       text, json, ndjson, csv or fields (default text)
      -e, --field NAME        print this field with --output fields, such as
                              igmp.maddr; may be repeated
      -J, -j, --json          as --output json
      -q, --quiet             print no packets and no summary
      -h, --help              print this help and exit

    Examples:
      polycast capture -i eth0 --group 239.1.2.3
          who sends and who joins
      polycast capture -i eth0 -w ring.pcapng -b files:5,filesize:100M
          the last 500 MB, always
      polycast capture -r ring.pcapng -T fields -e ip.src -e igmp.maddr -f igmp
          fields by Wireshark's names

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      5    a permission is missing
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
    "inspect": """
    polycast inspect - tell what multicast does in a capture or on an interface

    Usage: polycast inspect [OPTION]... [FILE]

    Shows streams (rate, bursts, loss, duplicates, reorder, jitter), groups with
    their members and when switches forget them, queriers, and findings: what is
    wrong, which packets show it, and what to do. Reads pcap and pcapng, or
    captures live, which needs CAP_NET_RAW; on a terminal a live view takes the
    screen until q.

    Alarms compare a figure of each stream with a limit: loss, lost, duplicates,
    reordered, jitter, gap, rate, peak, burst, buffer, packets; or of the whole
    capture: drops, problems, findings.

    Operands:
      FILE                    a pcap or pcapng file; - is standard input

    Options:
      -i, --interface IF      capture there instead; any is all; may be repeated
      -f, --filter BPF        only these packets, see pcap-filter(7)
      --group GROUP           show this group only; may be repeated
      --duration TIME         end a live capture after this time
      -c, --count N           end after so many packets
      --window TIME           where bursts are looked for, 1ms to 10s (default
                              100ms)
      --drain RATE            model a buffer that is emptied at this rate
      --clock TYPE=HZ         clock of a dynamic RTP payload type, such as 96=90000
      --unicast               measure streams from host to host, too
      --fail-on ALARM         exit with 3 if it is so, such as 'loss>1%' or
                              'jitter>20ms'
      --burst-alarm PACKETS   as --fail-on 'burst>PACKETS'
      --buffer-alarm BYTES    as --fail-on 'buffer>BYTES'; needs --drain
      --plot DIR              draw rate, loss and jitter over time there, as SVG
      -T, --output FORM       text, json or csv (default text)
      -J, -j, --json          as --output json
      -q, --quiet             show no live view
      -h, --help              print this help and exit

    Examples:
      polycast inspect lecture.pcapng
          streams, groups and findings of a file
      polycast inspect -i eth0
          the same, live
      polycast inspect -i eth0 --duration 60s --fail-on 'loss>0.1%' --json
          a check for a script

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      3    a check failed or a threshold was missed
      5    a permission is missing
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
]

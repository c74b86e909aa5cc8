/// Session descriptions that ffmpeg 5.1 wrote with `-sdp_file`, byte for byte.
enum FFmpegSample {
    /// `-c:v libvpx -f rtp rtp://127.0.0.1:5004`, `-c:a libopus -f rtp rtp://127.0.0.1:5006`.
    static let vp8AndOpus = lines(
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=No Name", "t=0 0",
        "a=tool:libavformat LIBAVFORMAT_VERSION", "m=video 5004 RTP/AVP 96",
        "c=IN IP4 127.0.0.1", "b=AS:500", "a=rtpmap:96 VP8/90000", "m=audio 5006 RTP/AVP 97",
        "c=IN IP4 127.0.0.1", "b=AS:64", "a=rtpmap:97 opus/48000/2")

    /// `-c:v libx264 -flags +global_header -f rtp 'rtp://[::1]:5004?pkt_size=1200'`.
    static let h264 = lines(
        "v=0", "o=- 0 0 IN IP6 ::1", "s=No Name", "c=IN IP6 ::1", "t=0 0",
        "a=tool:libavformat LIBAVFORMAT_VERSION", "m=video 5004 RTP/AVP 96", "b=AS:500",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1; "
            + "sprop-parameter-sets=Z/QADJGbKCgz8bgIgAAAAwCAAAAPB4oUyw==,aOvsRIRA; "
            + "profile-level-id=F4000C")

    /// `-f mpegtsraw -i x.ts -c copy -f rtp rtp://127.0.0.1:5004`.
    static let transportStream = lines(
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=No Name", "c=IN IP4 127.0.0.1", "t=0 0",
        "a=tool:libavformat LIBAVFORMAT_VERSION", "m=application 5004 RTP/AVP 33", "b=AS:22")

    /// `-c:v mpeg2video` and `-c:a aac`.
    static let mpeg2AndAAC = lines(
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=No Name", "t=0 0",
        "a=tool:libavformat LIBAVFORMAT_VERSION", "m=video 5004 RTP/AVP 32",
        "c=IN IP4 127.0.0.1", "b=AS:200", "m=audio 5010 RTP/AVP 97", "c=IN IP4 127.0.0.1",
        "b=AS:69", "a=rtpmap:97 MPEG4-GENERIC/44100/1",
        "a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
            + "indexdeltalength=3; config=120856E500")

    static let all = [vp8AndOpus, h264, transportStream, mpeg2AndAAC]

    private static func lines(_ lines: String...) -> String {
        lines.map { $0 + "\r\n" }.joined()
    }
}

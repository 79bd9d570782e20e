package sip

// The five kinds of message that speed is measured with.
var kinds = []struct{ name, text string }{
	{"INVITE", invite},
	{"REGISTER", register},
	{"200", ok200},
	{"OPTIONS", ping},
	{"short forms", short},
}

// invite is a call on its way through its second proxy, with SDP.
const invite = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK77ef4c2312983.1;rport\r\n" +
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bKnashds8;received=192.0.2.1\r\n" +
	"Max-Forwards: 69\r\n" +
	"Route: <sip:p2.example.com;lr>\r\n" +
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n" +
	"To: Bob <sip:bob@biloxi.example.com>\r\n" +
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@pc33.atlanta.example.com>\r\n" +
	"Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n" +
	"Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n" +
	"Allow-Events: presence, dialog, message-summary, refer\r\n" +
	"Accept: application/sdp, application/dtmf-relay\r\n" +
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n" +
	"Supported: replaces, timer, 100rel\r\n" +
	"User-Agent: Phone/1.0 (model 7)\r\n" +
	"Session-Expires: 1800;refresher=uac\r\n" +
	"P-Asserted-Identity: \"Alice\" <sip:alice@atlanta.example.com>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 364\r\n" +
	"\r\n" +
	"v=0\r\n" +
	"o=alice 2890844526 2890844526 IN IP4 pc33.atlanta.example.com\r\n" +
	"s=-\r\n" +
	"c=IN IP4 192.0.2.101\r\n" +
	"t=0 0\r\n" +
	"m=audio 49172 RTP/AVP 0 8 9 101\r\n" +
	"a=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:8 PCMA/8000\r\n" +
	"a=rtpmap:9 G722/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\n" +
	"a=fmtp:101 0-16\r\n" +
	"a=ptime:20\r\n" +
	"a=maxptime:40\r\n" +
	"a=rtcp:49173\r\n" +
	"a=ssrc:314 cname:alice@pc33.atlanta.example.com\r\n" +
	"a=mid:0\r\n" +
	"a=sendrecv\r\n"

// register answers a challenge.
const register = "REGISTER sip:atlanta.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKnashds7;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"Route: <sip:edge.example.com;lr>\r\n" +
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=456248\r\n" +
	"To: \"Alice\" <sip:alice@atlanta.example.com>\r\n" +
	"Call-ID: 843817637684230@998sdasdh09\r\n" +
	"CSeq: 1827 REGISTER\r\n" +
	"Contact: <sip:alice@192.0.2.101:5060;transport=udp>;expires=3600\r\n" +
	"Authorization: Digest username=\"alice\", realm=\"atlanta.example.com\", " +
	"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:atlanta.example.com\", " +
	"response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, qop=auth, nc=00000001, " +
	"cnonce=\"0a4f113b\"\r\n" +
	"Supported: path, outbound\r\n" +
	"Allow: INVITE, ACK, CANCEL, BYE, INFO\r\n" +
	"User-Agent: Phone/1.0 (model 7)\r\n" +
	"Expires: 3600\r\n" +
	"Content-Length: 0\r\n" +
	"\r\n"

// ok200 answers an INVITE with SDP, on its way back through the second of two proxies.
const ok200 = "SIP/2.0 200 OK\r\n" +
	"Via: SIP/2.0/UDP edge.example.com;branch=z9hG4bK4b43c2ff8.1\r\n" +
	"Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK77ef4c.1;received=192.0.2.3\r\n" +
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bKnashds8;received=192.0.2.1\r\n" +
	"Record-Route: <sip:edge.example.com;lr>\r\n" +
	"Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n" +
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n" +
	"To: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf\r\n" +
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:bob@192.0.2.4>\r\n" +
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n" +
	"Supported: replaces, timer\r\n" +
	"User-Agent: Gateway/2.1\r\n" +
	"Session-Expires: 1800;refresher=uac\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 261\r\n" +
	"\r\n" +
	"v=0\r\n" +
	"o=bob 2808844564 2808844564 IN IP4 biloxi.example.com\r\n" +
	"s=-\r\n" +
	"c=IN IP4 192.0.2.4\r\n" +
	"t=0 0\r\n" +
	"m=audio 3456 RTP/AVP 0 101\r\n" +
	"a=rtpmap:0 PCMU/8000\r\n" +
	"a=fmtp:101 0-16\r\n" +
	"a=ptime:20\r\n" +
	"a=rtcp:3457\r\n" +
	"a=ssrc:28088445641 cname:bob\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\n" +
	"a=sendrecv\r\n"

// ping asks whether somebody is there.
const ping = "OPTIONS sip:edge.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKhjhs8ass877;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"To: <sip:edge.example.com>\r\n" +
	"From: <sip:carrier@192.0.2.7>;tag=1928301774\r\n" +
	"Call-ID: a84b4c76e66710@192.0.2.7\r\n" +
	"CSeq: 63104 OPTIONS\r\n" +
	"Contact: <sip:carrier@192.0.2.7:5060>\r\n" +
	"Accept: application/sdp\r\n" +
	"User-Agent: Carrier/4\r\n" +
	"Content-Length: 0\r\n" +
	"\r\n"

// short has the compact forms of RFC 3261 §7.3.3.
const short = "MESSAGE sip:bob@biloxi.example.com SIP/2.0\r\n" +
	"v: SIP/2.0/TCP proxy.atlanta.example.com;branch=z9hG4bK776sgdkse\r\n" +
	"Max-Forwards: 69\r\n" +
	"Route: <sip:edge.example.com;transport=tcp;lr>\r\n" +
	"f: \"Alice\" <sip:alice@atlanta.example.com>;tag=49583\r\n" +
	"t: Bob <sip:bob@biloxi.example.com>\r\n" +
	"i: asd88asd77a@1.2.3.4\r\n" +
	"CSeq: 1 MESSAGE\r\n" +
	"m: <sip:alice@192.0.2.1>\r\n" +
	"User-Agent: Phone/1.0\r\n" +
	"c: text/plain\r\n" +
	"l: 183\r\n" +
	"\r\n" +
	"Watson, come here. I want to see you. To my delight he came and declared that he had heard " +
	"and understood what I said. I asked him to repeat the words - the answer followed. A.G. BELL"

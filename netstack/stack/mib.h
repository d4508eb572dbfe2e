/*
 * mib.h - the counters behind /proc/net/snmp and /proc/net/netstat, by Linux's names.
 */
#ifndef WARREN_NETSTACK_MIB_H
#define WARREN_NETSTACK_MIB_H

/* it finds another shape each time, and takes only the bare words */
/* clang-format off */
#define MIB_LIST(X) \
	X(IpInReceives) X(IpInHdrErrors) X(IpInAddrErrors) X(IpInUnknownProtos) X(IpInDiscards) \
	X(IpInDelivers) X(IpOutRequests) X(IpOutDiscards) X(IpOutNoRoutes) X(IpReasmTimeout) \
	X(IpReasmReqds) X(IpReasmOKs) X(IpReasmFails) X(IpFragOKs) X(IpFragFails) X(IpFragCreates) \
	X(IcmpInMsgs) X(IcmpInErrors) X(IcmpInCsumErrors) X(IcmpOutMsgs) X(IcmpInEchos) X(IcmpOutEchoReps) \
	X(TcpActiveOpens) X(TcpPassiveOpens) X(TcpAttemptFails) X(TcpEstabResets) X(TcpCurrEstab) \
	X(TcpInSegs) X(TcpOutSegs) X(TcpRetransSegs) X(TcpInErrs) X(TcpOutRsts) X(TcpInCsumErrors) \
	X(UdpInDatagrams) X(UdpNoPorts) X(UdpInErrors) X(UdpOutDatagrams) X(UdpRcvbufErrors) \
	X(UdpSndbufErrors) X(UdpInCsumErrors) X(UdpIgnoredMulti) X(SyncookiesSent) X(SyncookiesRecv) \
	X(SyncookiesFailed) X(ListenOverflows) X(ListenDrops) X(TW) X(TWRecycled) X(PAWSEstab) \
	X(PAWSActive) X(DelayedACKs) X(DelayedACKLost) X(TCPPureAcks) X(TCPHPAcks) X(TCPHPHits) \
	X(TCPSackRecovery) X(TCPRenoRecovery) X(TCPLostRetransmit) X(TCPFastRetrans) \
	X(TCPSlowStartRetrans) X(TCPTimeouts) X(TCPLossProbes) X(TCPLossProbeRecovery) X(TCPDSACKOldSent) \
	X(TCPDSACKOfoSent) X(TCPDSACKRecv) X(TCPDSACKUndo) X(TCPFullUndo) X(TCPPartialUndo) \
	X(TCPAbortOnData) X(TCPAbortOnClose) X(TCPAbortOnMemory) X(TCPAbortOnTimeout) X(TCPAbortOnLinger) \
	X(TCPOFOQueue) X(TCPOFODrop) X(TCPOFOMerge) X(TCPChallengeACK) X(TCPSYNChallenge) \
	X(TCPRcvCoalesce) X(TCPBacklogDrop) X(TCPDeferAcceptDrop) X(TCPReqQFullDoCookies) \
	X(TCPReqQFullDrop) X(TCPSpuriousRTOs) X(TCPFromZeroWindowAdv) X(TCPToZeroWindowAdv) \
	X(TCPWantZeroWindowAdv) X(TCPSynRetrans) X(TCPOrigDataSent) X(TCPKeepAlive) X(TCPDelivered) \
	X(TCPDeliveredCE) X(TCPSackRecoveryFail) X(TCPRcvPruned)
/* clang-format on */

#define MIB_ENUM(name) MIB_##name,
enum net_mib { MIB_LIST(MIB_ENUM) MIB_COUNT };
#undef MIB_ENUM

#endif

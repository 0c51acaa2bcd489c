package outbound

import "net/netip"

// never are addresses that no allowed range opens: what answers there gives credentials of the machine away, or is nobody.
var never = prefixes(
	"0.0.0.0/32",            // unspecified: the kernel takes it for the machine itself
	"::/128",                // unspecified
	"224.0.0.0/4",           // multicast (RFC 5771)
	"ff00::/8",              // multicast (RFC 4291)
	"255.255.255.255/32",    // limited broadcast (RFC 919)
	"169.254.169.254/32",    // metadata: AWS, Azure, Google Cloud, OpenStack and others
	"169.254.0.23/32",       // metadata: Tencent Cloud
	"169.254.42.42/32",      // metadata: Scaleway
	"169.254.170.2/32",      // credentials of Amazon ECS tasks
	"169.254.170.23/32",     // credentials of Amazon EKS Pods
	"fd00:ec2::254/128",     // metadata: AWS
	"fd00:ec2::23/128",      // credentials of Amazon EKS Pods
	"fd20:ce::254/128",      // metadata: Google Cloud
	"fd00:42::42/128",       // metadata: Scaleway
	"fd00:a9fe:a9fe::1/128", // metadata: Akamai (Linode)
	"fe80::a9fe:a9fe/128",   // metadata: OpenStack
	"100.100.100.200/32",    // metadata: Alibaba Cloud
	"192.0.0.192/32",        // metadata: Oracle Cloud
	"168.63.129.16/32",      // wire server: Azure
)

// specialIPv4 is the IANA IPv4 special-purpose registry, without what is reachable like any other address.
var specialIPv4 = prefixes(
	"0.0.0.0/8",       // this network (RFC 791)
	"10.0.0.0/8",      // private (RFC 1918)
	"100.64.0.0/10",   // shared address space of carriers (RFC 6598)
	"127.0.0.0/8",     // loopback (RFC 1122)
	"169.254.0.0/16",  // link-local (RFC 3927)
	"172.16.0.0/12",   // private (RFC 1918)
	"192.0.0.0/24",    // protocol assignments (RFC 6890)
	"192.0.2.0/24",    // documentation (RFC 5737)
	"192.31.196.0/24", // AS112 (RFC 7535)
	"192.52.193.0/24", // AMT (RFC 7450)
	"192.88.99.0/24",  // 6to4 relays (RFC 7526)
	"192.168.0.0/16",  // private (RFC 1918)
	"192.175.48.0/24", // AS112 (RFC 7534)
	"198.18.0.0/15",   // benchmarking (RFC 2544)
	"198.51.100.0/24", // documentation (RFC 5737)
	"203.0.113.0/24",  // documentation (RFC 5737)
	"240.0.0.0/4",     // reserved (RFC 1112)
)

// globalUnicastIPv6 is all that IANA assigns for global unicast: loopback, unique local, link-local, NAT64 and the deprecated
// forms that hold an IPv4 address all lie outside.
var globalUnicastIPv6 = netip.MustParsePrefix("2000::/3")

// specialIPv6 is what the IANA IPv6 special-purpose registry takes out of it.
var specialIPv6 = prefixes(
	"2001::/23",         // protocol assignments, Teredo among them (RFC 2928, RFC 4380)
	"2001:db8::/32",     // documentation (RFC 3849)
	"2002::/16",         // 6to4: holds an IPv4 address (RFC 3056)
	"2620:4f:8000::/48", // AS112 (RFC 7534)
	"3ffe::/16",         // the former 6bone (RFC 3701)
	"3fff::/20",         // documentation (RFC 9637)
)

// nat64 is the well-known prefix of RFC 6052.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(cidrs ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(cidrs))
	for i, cidr := range cidrs {
		parsed[i] = netip.MustParsePrefix(cidr)
	}
	return parsed
}

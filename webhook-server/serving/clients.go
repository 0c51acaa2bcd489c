package serving

import (
	"hash/maphash"
	"slices"
	"strings"
)

// hostedID is a client id on a host; the host is empty for a gateway that answers on any.
type hostedID struct{ host, clientID string }

// clientShards makes a change of one of 10,000 clients copy some forty entries, and the table itself 2 kB.
const clientShards = 256

// clientTable finds clients by host and id: in the order of their resources, unique on each host and path, so at most as many for one key
// as the host has token paths. It never changes: an edit makes another table, which shares the shards that are the same.
type clientTable struct {
	seed   maphash.Seed
	shards []map[hostedID][]*Client
}

func newClientTable() clientTable {
	return clientTable{seed: maphash.MakeSeed(), shards: make([]map[hostedID][]*Client, clientShards)}
}

func (t clientTable) shard(key hostedID) int {
	return int(maphash.Comparable(t.seed, key) % clientShards)
}

func (t clientTable) find(key hostedID) []*Client {
	if t.shards == nil {
		return nil // of a Snapshot that nobody has made
	}
	return t.shards[t.shard(key)][key]
}

// clientEdit makes the next table.
type clientEdit struct {
	next clientTable
	own  [clientShards]bool // the shards that have been copied already
}

func (t clientTable) edit() *clientEdit {
	return &clientEdit{next: clientTable{t.seed, slices.Clone(t.shards)}}
}

// add files a client under each host that its gateway answers on.
func (e *clientEdit) add(c *Client) {
	e.each(c, func(list []*Client) []*Client {
		at, _ := slices.BinarySearchFunc(list, c, byResource)
		return slices.Insert(slices.Clip(list), at, c)
	})
}

// remove takes out what add has filed for the resource.
func (e *clientEdit) remove(c *Client) {
	e.each(c, func(list []*Client) []*Client {
		at, found := slices.BinarySearchFunc(list, c, byResource)
		if !found {
			return list
		}
		return slices.Delete(slices.Clone(list), at, at+1)
	})
}

func (e *clientEdit) each(c *Client, change func([]*Client) []*Client) {
	hosts := c.Gateway.Hostnames
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		key := hostedID{host, c.ClientID}
		shard := e.writable(e.next.shard(key))
		if list := change(shard[key]); len(list) > 0 {
			shard[key] = list
		} else {
			delete(shard, key)
		}
	}
}

// writable answers a shard that no Snapshot has yet.
func (e *clientEdit) writable(n int) map[hostedID][]*Client {
	if e.own[n] {
		return e.next.shards[n]
	}
	copied := make(map[hostedID][]*Client, len(e.next.shards[n])+1)
	for key, list := range e.next.shards[n] {
		copied[key] = list
	}
	e.next.shards[n], e.own[n] = copied, true
	return copied
}

func byResource(a, b *Client) int {
	return strings.Compare(resourceOf(a.Header), resourceOf(b.Header))
}

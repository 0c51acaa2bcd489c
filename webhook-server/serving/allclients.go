package serving

import "iter"

// Clients yields all clients in no order; one whose gateway names several hosts is yielded once for each.
func (s *Snapshot) Clients() iter.Seq[*Client] {
	return func(yield func(*Client) bool) {
		for _, shard := range s.clients.shards {
			for _, list := range shard {
				for _, c := range list {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
}

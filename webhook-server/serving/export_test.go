package serving

const MaxHandshakeBundles = maxHandshakeBundles

// Bundles answers how many bundles of CAs are kept.
func (s *State) Bundles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.authorities)
}

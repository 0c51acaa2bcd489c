package storetest

var identityTests = []conformanceTest{
	{"a store has a name, which a restart does not change", func(f *fixture) {
		before := f.ID()
		if before == "" {
			f.Error("the store has no name")
		}
		f.append(notification(1, laneA, 0))
		f.reopen()
		if now := f.ID(); now != before {
			f.Errorf("named %q and then %q", before, now)
		}
	}},
	{"two stores have two names", func(f *fixture) {
		other := f.place(f.T)()
		if f.ID() == other.ID() {
			f.Errorf("both are named %q", f.ID())
		}
		if err := other.Close(); err != nil {
			f.Errorf("closing: %v", err)
		}
	}},
}

// Loaded before prism: ends it when standard input ends, which is when the test is gone, however that came.
process.stdin.resume().once('end', () => process.exit(0));

#!/usr/bin/env node
import { runCommandLine } from './cli/index.ts';
import { processIo } from './cli/process-io.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), processIo());

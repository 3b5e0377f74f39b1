import { expect } from 'chai';
import { InputError } from '../../../../src/simulator/input-error.ts';
import { readElasticFlowJobs } from '../../../../src/simulator/traces/elasticflow.ts';
import { aTraceFolder } from '../../../support/a-scenario.ts';

const HEADER = 'job_id,submission_time,num_iteration,model_name,deadline,batch_size,num_gpu,duration';
const TABLE = 'global_batch_size,1,2,4\n64,5,9,\n128,3,0,nan\n';

describe('jobs of fixed batch', () => {
  const read = (lines: string, onlyProfiled = false) => {
    const folder = aTraceFolder({ 'jobs.csv': `${HEADER}\n${lines}\n`, 'tables/net.csv': TABLE });
    const places = { file: `${folder}/jobs.csv`, profiles: `${folder}/tables` };
    return readElasticFlowJobs({ ...places, format: 'ElasticFlow', onlyProfiled });
  };

  it('counts time from the first arrival and takes speed from the table', () => {
    const [job] = read('one,1000,300,net,1100,64,2,60');
    expect(job).to.deep.include({ submittedAt: 0, deadline: 100, batchIsFree: false });
    const stepSeconds = (gpus: number) =>
      job?.world.stepSeconds({ placement: [gpus], microBatchSize: 1, gradientAccumulationSteps: 1 }).total;
    expect(stepSeconds(1)).to.be.closeTo(1 / 5, 1e-12);
    expect(stepSeconds(2)).to.be.closeTo(1 / 9, 1e-12);
    expect(job?.world.maxGpus).to.equal(2);
    expect(job?.world.course(64).steps).to.equal(300);
  });

  it('leaves out what has no table only when it is asked to', () => {
    const lines = 'one,1000,300,unknown,1100,64,2,60\ntwo,1000,300,net,1100,64,2,60';
    expect(() => read(lines)).to.throw(InputError, /unknown\.csv cannot be read/);
    expect(read(lines, true).map(({ name }) => name)).to.deep.equal(['two']);
  });

  it('names the batches that a table has', () => {
    expect(() => read('one,1000,300,net,1100,32,2,60')).to.throw(InputError, /no line for batch 32; it has 64, 128/);
  });
});
